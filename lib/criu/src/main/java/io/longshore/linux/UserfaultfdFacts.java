package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * What userfaultfd(2) offers to this process.
 *
 * @param available whether one can be made; if not, workloads are restored eagerly
 * @param features bits of {@code UFFD_FEATURE_*} in linux/userfaultfd.h
 */
public record UserfaultfdFacts(boolean available, long features) {
  /** Linux 5.7: {@code UFFD_FEATURE_PAGEFAULT_FLAG_WP}. */
  public static final long WRITE_PROTECT = 1;

  /** Linux 6.7: write-protect faults are resolved by the kernel: {@code UFFD_FEATURE_WP_ASYNC}. */
  public static final long ASYNCHRONOUS_WRITE_PROTECT = 1 << 15;

  /** Linux 6.4: pages that do not exist yet can be told from written ones. */
  static final long WRITE_PROTECT_UNPOPULATED = 1 << 13;

  /** linux/userfaultfd.h {@code struct uffdio_api}. */
  static final StructLayout UFFDIO_API_ARGUMENT =
      MemoryLayout.structLayout(
          JAVA_LONG.withName("api"), JAVA_LONG.withName("features"), JAVA_LONG.withName("ioctls"));

  /** {@code _IOWR(0xAA, 0x3F, struct uffdio_api)}. */
  static final long UFFDIO_API =
      (3L << 30) | (UFFDIO_API_ARGUMENT.byteSize() << 16) | (0xAAL << 8) | 0x3F;

  private static final long UFFD_API = 0xAA;

  /** Makes one, asks it, and closes it. */
  static UserfaultfdFacts read() throws SystemCallException {
    long result = SystemCalls.syscall(number(), SystemCalls.O_CLOEXEC, 0, 0, 0);
    if (result == -Errno.ENOSYS || result == -Errno.EPERM) {
      return new UserfaultfdFacts(false, 0);
    }
    if (result < 0) {
      throw new SystemCallException("userfaultfd(O_CLOEXEC)", (int) -result);
    }
    try (FileDescriptorHandle descriptor = FileDescriptorHandle.own((int) result);
        Arena arena = Arena.ofConfined()) {
      return new UserfaultfdFacts(true, handshake(arena, descriptor, 0));
    }
  }

  /**
   * Sets a new one up; must come before any other use of it.
   *
   * @return what it could do
   */
  static long handshake(Arena arena, FileDescriptorHandle descriptor, long features)
      throws SystemCallException {
    MemorySegment argument = arena.allocate(UFFDIO_API_ARGUMENT);
    argument.set(JAVA_LONG, 0, UFFD_API);
    argument.set(JAVA_LONG, 8, features);
    int asked =
        SystemCalls.ioctl(NativeCall.callState(arena), descriptor.number(), UFFDIO_API, argument);
    if (asked < 0) {
      throw new SystemCallException("ioctl(userfaultfd, UFFDIO_API)", -asked);
    }
    return argument.get(JAVA_LONG, 8);
  }

  static long number() {
    return Architecture.ofThisMachine().numbers().userfaultfd();
  }

  /** Whether a process's writes can be tracked without stopping it at each. */
  public boolean tracksWrites() {
    return available && (features & ASYNCHRONOUS_WRITE_PROTECT) != 0;
  }
}
