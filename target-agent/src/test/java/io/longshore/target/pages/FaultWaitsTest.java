package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class FaultWaitsTest {
  private final FaultWaits waits = new FaultWaits();

  @Test
  void knowsWhatAShareDidNotExceed() {
    for (int micros = 1; micros <= 1000; micros++) {
      waits.record(micros * 1000L);
    }
    assertThat(waits.quantile(0.5)).isBetween(Duration.ofNanos(500_000), Duration.ofNanos(565_000));
    assertThat(waits.quantile(0.99))
        .isBetween(Duration.ofNanos(990_000), Duration.ofNanos(1_120_000));
  }

  @Test
  void takesAnyTime() {
    for (long nanos : new long[] {-5, 0, 1, 7, 8, 1L << 40, Long.MAX_VALUE}) {
      waits.record(nanos);
    }
    assertThat(waits.quantile(0)).isZero();
    assertThat(waits.quantile(0.5)).isEqualTo(Duration.ofNanos(7));
    assertThat(waits.quantile(1)).isEqualTo(Duration.ofNanos(Long.MAX_VALUE));
  }

  @Test
  void isZeroOfNone() {
    assertThat(waits.quantile(0.99)).isZero();
  }
}
