package io.longshore.acceptance.load;

import java.util.Arrays;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** How many answers came in each tenth of a second. Threads: as {@link LatencyHistogram}. */
final class OverTime {
  static final long INTERVAL = 100_000_000;

  /** Throughput is that over half a second: in a tenth of one it varies by itself. */
  private static final int WINDOW = 5;

  private long[] counts = new long[600];
  private int used;

  /**
   * @param nanos since the client began, not negative
   */
  void record(long nanos) {
    add((int) (nanos / INTERVAL), 1);
  }

  private void add(int index, long count) {
    if (index >= counts.length) {
      counts = Arrays.copyOf(counts, 2 * index);
    }
    counts[index] += count;
    used = Math.max(used, index + 1);
  }

  void add(OverTime other) {
    for (int index = 0; index < other.used; index++) {
      if (other.counts[index] > 0) {
        add(index, other.counts[index]);
      }
    }
  }

  /**
   * From a moment until the throughput is again a share of what it was: the beginning of the first
   * half of a second in which it is. Empty if it never is.
   *
   * @param begin of the time that it is compared with, in nanoseconds as all others
   * @param end of that time
   */
  OptionalLong backTo(double share, long begin, long end, long from) {
    int first = (int) Math.ceilDiv(begin, INTERVAL);
    int last = (int) (end / INTERVAL);
    if (last <= first) {
      return OptionalLong.empty();
    }
    double wanted = share * WINDOW * sum(first, last) / (last - first);
    for (int index = (int) (from / INTERVAL); index + WINDOW <= used; index++) {
      if (sum(index, index + WINDOW) >= wanted) {
        return OptionalLong.of(Math.max(0, index * INTERVAL - from));
      }
    }
    return OptionalLong.empty();
  }

  private long sum(int first, int last) {
    long sum = 0;
    for (int index = first; index < Math.min(last, used); index++) {
      sum += counts[index];
    }
    return sum;
  }

  /** The numbers from a moment on, with commas between them. */
  String from(long nanos) {
    return Arrays.stream(counts, Math.min(used, (int) (nanos / INTERVAL)), used)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(","));
  }
}
