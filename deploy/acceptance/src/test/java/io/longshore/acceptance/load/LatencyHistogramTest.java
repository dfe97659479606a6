package io.longshore.acceptance.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {
  @Test
  void hasABucketForEveryDurationThatIsAtMostAThirtySecondWide() {
    for (long value = 0; value < 100_000; value++) {
      assertFits(value);
    }
    for (long value = 1; value <= 1L << 61; value *= 2) {
      assertFits(value - 1);
      assertFits(value);
    }
  }

  private static void assertFits(long value) {
    int bucket = LatencyHistogram.bucketOf(value);
    assertThat(LatencyHistogram.upperEndOf(bucket)).isBetween(value, value + value / 32);
    if (bucket > 0) {
      assertThat(LatencyHistogram.upperEndOf(bucket - 1)).isLessThan(value);
    }
  }

  @Test
  void tellsQuantiles() {
    LatencyHistogram histogram = new LatencyHistogram();
    for (long nanos = 1; nanos <= 10_000; nanos++) {
      histogram.record(nanos * 1000);
    }
    assertThat(histogram.count()).isEqualTo(10_000);
    assertThat(histogram.quantile(0.5)).isCloseTo(5_000_000, Percentage.withPercentage(4));
    assertThat(histogram.quantile(0.99)).isCloseTo(9_900_000, Percentage.withPercentage(4));
    assertThat(histogram.quantile(1)).isEqualTo(histogram.most()).isEqualTo(10_000_000);
  }

  @Test
  void addsUp() {
    LatencyHistogram one = new LatencyHistogram();
    LatencyHistogram other = new LatencyHistogram();
    one.record(10);
    other.record(1_000_000);
    one.add(other);
    assertThat(one.count()).isEqualTo(2);
    assertThat(one.quantile(0.5)).isCloseTo(10, within(0L));
    assertThat(one.most()).isEqualTo(1_000_000);
  }

  @Test
  void knowsNothingAtFirst() {
    assertThat(new LatencyHistogram().quantile(0.99)).isZero();
  }
}
