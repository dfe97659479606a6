package io.longshore.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.time.Duration;

/** Waits for descriptors; poll(2). */
final class Poll {
  static final short POLLIN = 0x1;
  static final short POLLPRI = 0x2;
  static final short POLLERR = 0x8;

  static final StructLayout POLLFD =
      MemoryLayout.structLayout(
          JAVA_INT.withName("fd"), JAVA_SHORT.withName("events"), JAVA_SHORT.withName("revents"));

  private static final MethodHandle POLL =
      NativeCall.bind("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

  private Poll() {}

  /**
   * Waits until one of the descriptors has one of {@code events}, an error or a hang-up.
   *
   * @return a bit for each descriptor that is ready, in the order given; 0 when the time is over
   */
  static int await(short events, Duration timeout, int... descriptors) throws SystemCallException {
    long deadline = System.nanoTime() + Durations.nanoseconds(timeout);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      MemorySegment set = arena.allocate(POLLFD, descriptors.length);
      for (int i = 0; i < descriptors.length; i++) {
        set.set(JAVA_INT, i * 8L, descriptors[i]);
        set.set(JAVA_SHORT, i * 8L + 4, events);
      }
      while (true) {
        long left = Math.max(0, deadline - System.nanoTime());
        int result = call(state, set, descriptors.length, Durations.pollMilliseconds(left));
        if (result > 0) {
          int ready = 0;
          for (int i = 0; i < descriptors.length; i++) {
            if (set.get(JAVA_SHORT, i * 8L + 6) != 0) {
              ready |= 1 << i;
            }
          }
          return ready;
        }
        if (result == 0 && deadline - System.nanoTime() <= 0) {
          return 0;
        }
        if (result < 0 && result != -Errno.EINTR) {
          throw new SystemCallException("poll(" + descriptors.length + " descriptors)", -result);
        }
      }
    }
  }

  static int call(MemorySegment state, MemorySegment set, long count, int milliseconds) {
    try {
      int result = (int) POLL.invokeExact(state, set, count, milliseconds);
      return result == -1 ? -NativeCall.errno(state) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }
}
