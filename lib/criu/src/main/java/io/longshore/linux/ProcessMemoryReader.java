package io.longshore.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.util.Objects;

/**
 * Reads memory of other processes, running, stopped or frozen; process_vm_readv(2).
 *
 * <p>Owns its buffers and allocates nothing in {@link #read}. One thread at a time; make a reader
 * per thread. Needs the right to ptrace the process, and a pid of the caller's namespace.
 */
public final class ProcessMemoryReader implements AutoCloseable {
  /** Ranges the kernel takes in one call: {@code IOV_MAX}, uio.h {@code UIO_MAXIOV}. */
  static final int IOV_MAX = 1024;

  static final StructLayout IOVEC =
      MemoryLayout.structLayout(JAVA_LONG.withName("iov_base"), JAVA_LONG.withName("iov_len"));

  private static final MethodHandle PROCESS_VM_READV =
      NativeCall.bind(
          "process_vm_readv",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG));

  private final Arena arena = Arena.ofShared();
  private final MemorySegment callState = NativeCall.callState(arena);
  private final MemorySegment local = arena.allocate(IOVEC);
  private final MemorySegment remote = arena.allocate(IOVEC, IOV_MAX);

  private int stoppedAtRange = -1;
  private long stoppedAtAddress = -1;

  /**
   * Reads {@code count} ranges one after the other into {@code destination}, without gaps.
   *
   * <p>Stops at the first page that cannot be read, because it is not mapped (any more), has no
   * right to be read, or lies behind the end of its file. Then the result is less than the sum of
   * the lengths, everything before it has been read, and {@link #stoppedAtRange} and {@link
   * #stoppedAtAddress} say where. A running process may unmap what was mapped a moment ago, so
   * callers must expect it.
   *
   * @param addresses start of each range in the process; the first {@code count} count
   * @param lengths bytes of each range, not negative
   * @param destination native memory with room for the sum of the lengths; it must stay open until
   *     the read returns
   * @return bytes read
   * @throws SystemCallException {@code ESRCH} if the process has ended, {@code EPERM} if it may not
   *     be read
   */
  public long read(int pid, long[] addresses, long[] lengths, int count, MemorySegment destination)
      throws SystemCallException {
    Objects.checkFromIndexSize(0, count, Math.min(addresses.length, lengths.length));
    if (!destination.isNative() || destination.isReadOnly()) {
      throw new IllegalArgumentException("the destination must be writable native memory");
    }
    stoppedAtRange = -1;
    stoppedAtAddress = -1;
    long total = 0;
    int range = 0;
    long within = 0; // bytes of the current range that have been read
    while (true) {
      while (range < count && within == lengths[range]) {
        range++;
        within = 0;
      }
      if (range == count) {
        return total;
      }
      long result =
          call(pid, prepare(addresses, lengths, range, within, count), destination, total);
      if (result == -Errno.EFAULT || result == 0) {
        stoppedAtRange = range;
        stoppedAtAddress = addresses[range] + within;
        return total;
      }
      if (result < 0) {
        throw new SystemCallException(
            "process_vm_readv(pid %d, %d ranges, first 0x%x of %d bytes)"
                .formatted(pid, count - range, addresses[range] + within, lengths[range] - within),
            (int) -result);
      }
      total += result;
      // After a short count the loop asks for the rest, and is told why it stopped.
      while (result > 0) {
        long step = Math.min(result, lengths[range] - within);
        result -= step;
        within += step;
        if (within == lengths[range] && result > 0) {
          range++;
          within = 0;
        }
      }
    }
  }

  /** Reads one range as {@link #read(int, long[], long[], int, MemorySegment)} does. */
  public long read(int pid, long address, MemorySegment destination) throws SystemCallException {
    return read(pid, new long[] {address}, new long[] {destination.byteSize()}, 1, destination);
  }

  /** Index of the range the last read stopped in, or -1 if it read everything. */
  public int stoppedAtRange() {
    return stoppedAtRange;
  }

  /** The first address the last read could not read, or -1 if it read everything. */
  public long stoppedAtAddress() {
    return stoppedAtAddress;
  }

  /** Fills the remote vector from {@code range} on; returns how many elements it has. */
  private int prepare(long[] addresses, long[] lengths, int range, long within, int count) {
    int used = 0;
    long bytes = 0;
    long skip = within;
    for (int i = range; i < count && used < IOV_MAX; i++) {
      long length = lengths[i] - skip;
      if (length < 0) {
        throw new IllegalArgumentException("range " + i + " has the length " + lengths[i]);
      }
      if (length > 0) {
        remote.set(JAVA_LONG, used * 16L, addresses[i] + skip);
        remote.set(JAVA_LONG, used * 16L + 8, length);
        bytes = Math.addExact(bytes, length);
        used++;
      }
      skip = 0;
    }
    local.set(JAVA_LONG, 8, bytes);
    return used;
  }

  private long call(int pid, int elements, MemorySegment destination, long offset) {
    long length = local.get(JAVA_LONG, 8);
    Objects.checkFromIndexSize(offset, length, destination.byteSize());
    local.set(JAVA_LONG, 0, destination.address() + offset);
    try {
      long result =
          (long)
              PROCESS_VM_READV.invokeExact(callState, pid, local, 1L, remote, (long) elements, 0L);
      return result == -1 ? -NativeCall.errno(callState) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    } finally {
      // The kernel got its address only as a number.
      Reference.reachabilityFence(destination);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
