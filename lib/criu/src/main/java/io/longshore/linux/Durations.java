package io.longshore.linux;

import java.time.Duration;

/** Time limits in the kernel's units, without overflow. */
final class Durations {
  // Long enough to mean "for ever", short enough that adding it to nanoTime cannot wrap.
  private static final Duration LONGEST = Duration.ofDays(36_500);

  private Durations() {}

  static long nanoseconds(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("a time limit cannot be negative: " + duration);
    }
    return duration.compareTo(LONGEST) > 0 ? LONGEST.toNanos() : duration.toNanos();
  }

  /** Rounded up, so that a wait for less than a millisecond does not spin. */
  static int pollMilliseconds(long nanoseconds) {
    long rounded = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1);
    return (int) Math.min(rounded, Integer.MAX_VALUE);
  }
}
