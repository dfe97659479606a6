package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/**
 * The memory of one process in which the kernel notes writes by itself, without stopping anybody: a
 * userfaultfd(2) in the mode {@code UFFD_FEATURE_WP_ASYNC}, Linux 6.7. Which pages were written is
 * asked of {@link PageMapScan}, with {@link PageQuery#WRITTEN_THEN_PROTECT}.
 *
 * <p>It belongs to the address space that the process had when it was made, and to nothing after an
 * execve(2). When it is closed, and when this process ends however it does, the kernel forgets all
 * of it. One thread at a time.
 */
public final class WriteProtection implements AutoCloseable {
  private static final long REGISTER =
      (3L << 30) | (Userfaultfd.UFFDIO_REGISTER_ARGUMENT.byteSize() << 16) | (0xAAL << 8);
  private static final long MODE_WRITE_PROTECT = 1 << 1;

  /** {@code UFFD_USER_MODE_ONLY}: needs no capability. Asynchronous faults are no less handled. */
  private static final long USER_MODE_ONLY = 1;

  private static final long FLAGS = SystemCalls.O_CLOEXEC | SystemCalls.O_NONBLOCK | USER_MODE_ONLY;

  private final FileDescriptorHandle descriptor;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment state = NativeCall.callState(arena);
  private final MemorySegment argument = arena.allocate(Userfaultfd.UFFDIO_REGISTER_ARGUMENT);

  private WriteProtection(FileDescriptorHandle descriptor) {
    this.descriptor = descriptor;
  }

  /** For this process's own memory. */
  static WriteProtection ofThisProcess() throws SystemCallException {
    long made = SystemCalls.syscall(UserfaultfdFacts.number(), FLAGS, 0, 0, 0);
    if (made < 0) {
      throw new SystemCallException("userfaultfd(UFFD_USER_MODE_ONLY)", (int) -made);
    }
    return setUp(FileDescriptorHandle.own((int) made));
  }

  /**
   * For another process, which is stopped for a moment to make the userfaultfd; it is taken over
   * and closed there.
   *
   * @param limit how long to wait for the process to stop
   * @throws IOException if that cannot be done, see {@link Injector}; the process is as it was
   */
  public static WriteProtection of(int pid, Injector injector, Duration limit) throws IOException {
    if (AddressSpaces.isSharedWithParent(pid)) {
      // Until it calls execve(2). What was made in it now would stay with its parent then.
      throw new IOException("process " + pid + " has its parent's memory");
    }
    return setUp(injector.userfaultfd(pid, limit, FLAGS));
  }

  private static WriteProtection setUp(FileDescriptorHandle made) throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      long _ =
          UserfaultfdFacts.handshake(
              arena,
              made,
              UserfaultfdFacts.ASYNCHRONOUS_WRITE_PROTECT
                  | UserfaultfdFacts.WRITE_PROTECT_UNPOPULATED);
      return new WriteProtection(made);
    } catch (SystemCallException e) {
      made.close();
      throw e;
    }
  }

  /**
   * Takes in a range of private anonymous memory; what of it is in already stays as it is. New
   * pages in it count as written until they are protected.
   *
   * <p>A mapping of which only a part is taken in becomes two, until the rest is: mremap(2) of both
   * at once fails with {@code EFAULT} meanwhile.
   *
   * @param start a page's address
   * @param length a multiple of the page size
   * @throws SystemCallException {@code EBUSY} if a userfaultfd of somebody else has some of it,
   *     {@code EINVAL} if the kernel cannot protect some of it, {@code ENOMEM} if the address space
   *     is gone
   */
  public void register(long start, long length) throws SystemCallException {
    argument.set(JAVA_LONG, 0, start);
    argument.set(JAVA_LONG, 8, length);
    argument.set(JAVA_LONG, 16, MODE_WRITE_PROTECT);
    int result = SystemCalls.ioctl(state, descriptor.number(), REGISTER, argument);
    if (result < 0) {
      throw new SystemCallException(
          "UFFDIO_REGISTER(0x%x, %d, WP)".formatted(start, length), -result);
    }
  }

  /** Again does nothing. */
  @Override
  public void close() {
    if (descriptor.isOpen()) {
      descriptor.close();
      arena.close();
    }
  }
}
