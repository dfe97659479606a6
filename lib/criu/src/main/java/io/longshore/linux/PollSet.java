package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;

/**
 * Waits for any of many descriptors to become readable; poll(2). The set is used again and again;
 * one thread at a time.
 */
public final class PollSet {
  private final Arena arena = Arena.ofAuto();
  private final MemorySegment state = NativeCall.callState(arena);
  private MemorySegment set = MemorySegment.NULL;
  private int count;

  /** Waits for these from now on. */
  public void set(List<FileDescriptorHandle> descriptors) {
    count = descriptors.size();
    if (set.byteSize() < count * Poll.POLLFD.byteSize()) {
      set = arena.allocate(Poll.POLLFD, count * 2L);
    }
    for (int i = 0; i < count; i++) {
      set.set(JAVA_INT, i * 8L, descriptors.get(i).number());
      set.set(JAVA_SHORT, i * 8L + 4, Poll.POLLIN);
    }
  }

  /**
   * Waits until one is readable or has an error, or the time is over.
   *
   * @return how many are ready
   */
  public int await(Duration timeout) throws SystemCallException {
    int result =
        Poll.call(state, set, count, Durations.pollMilliseconds(Durations.nanoseconds(timeout)));
    if (result < 0 && result != -Errno.EINTR) {
      throw new SystemCallException("poll(" + count + " descriptors)", -result);
    }
    return Math.max(0, result);
  }

  /** Whether the descriptor at this place in the set was ready when {@link #await} returned. */
  public boolean isReady(int index) {
    return set.get(JAVA_SHORT, index * 8L + 6) != 0;
  }
}
