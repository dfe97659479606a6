package io.longshore.target.pages;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;

/** Counts how long pages were waited for, in classes that are at most 1/8 wide. Thread-safe. */
final class FaultWaits {
  private static final int BITS = 3;
  private static final int PER_POWER = 1 << BITS;

  private final AtomicLongArray counts = new AtomicLongArray((Long.SIZE - BITS) * PER_POWER);

  void record(long nanos) {
    counts.incrementAndGet(classOf(Math.max(0, nanos)));
  }

  /** What a share of them did not exceed, as the upper end of its class; zero if there are none. */
  Duration quantile(double share) {
    long all = 0;
    for (int i = 0; i < counts.length(); i++) {
      all += counts.get(i);
    }
    long wanted = (long) Math.ceil(share * all);
    long seen = 0;
    for (int i = 0; i < counts.length() && all > 0; i++) {
      seen += counts.get(i);
      if (seen >= wanted) {
        return Duration.ofNanos(upperEndOf(i));
      }
    }
    return Duration.ZERO;
  }

  /** Numbers below 8 have one each; above, each power of two is divided into 8. */
  private static int classOf(long nanos) {
    int power = Math.max(0, Long.SIZE - BITS - 1 - Long.numberOfLeadingZeros(nanos | 1));
    return (power << BITS) + (int) (nanos >>> power);
  }

  private static long upperEndOf(int index) {
    int power = Math.max(0, (index >> BITS) - 1);
    long first = index - ((long) power << BITS);
    return ((first + 1) << power) - 1;
  }
}
