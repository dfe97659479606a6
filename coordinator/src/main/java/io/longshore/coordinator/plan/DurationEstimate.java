package io.longshore.coordinator.plan;

import java.time.Duration;
import java.util.List;

/**
 * A time that is not known for certain.
 *
 * @param low it is hardly less
 * @param expected the best guess
 * @param high it is hardly more
 */
public record DurationEstimate(Duration low, Duration expected, Duration high) {
  public DurationEstimate {
    if (low.isNegative() || low.compareTo(expected) > 0 || expected.compareTo(high) > 0) {
      throw new IllegalArgumentException("no estimate: %s, %s, %s".formatted(low, expected, high));
    }
  }

  static DurationEstimate ofMillis(long low, long expected, long high) {
    return new DurationEstimate(
        Duration.ofMillis(low), Duration.ofMillis(expected), Duration.ofMillis(high));
  }

  /** The median of what was measured, and its extremes with a margin: the more, the smaller. */
  static DurationEstimate of(List<Duration> measured) {
    List<Duration> sorted = measured.stream().sorted().toList();
    double margin = 1 + 0.6 / Math.sqrt(sorted.size());
    return new DurationEstimate(
        times(sorted.getFirst(), 1 / margin),
        sorted.get(sorted.size() / 2),
        times(sorted.getLast(), margin));
  }

  private static Duration times(Duration time, double factor) {
    return Duration.ofNanos((long) (time.toNanos() * factor));
  }
}
