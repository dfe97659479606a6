package io.longshore.acceptance.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OverTimeTest {
  private static final long SECOND = 1_000_000_000;

  private final OverTime overTime = new OverTime();

  @Test
  void knowsWhenTheThroughputIsAsItWas() {
    answers(100, 0, 2 * SECOND);
    // None for a second, then half of it, from 4.2 s on nearly all.
    answers(50, 3 * SECOND, 42 * SECOND / 10);
    answers(95, 42 * SECOND / 10, 6 * SECOND);
    assertThat(overTime.backTo(0.9, 0, 2 * SECOND, 3 * SECOND)).hasValue(1_200_000_000);
    assertThat(overTime.backTo(0.5, 0, 2 * SECOND, 3 * SECOND)).hasValue(0);
  }

  @Test
  void knowsThatItNeverIs() {
    answers(100, 0, 2 * SECOND);
    answers(80, 3 * SECOND, 6 * SECOND);
    assertThat(overTime.backTo(0.9, 0, 2 * SECOND, 3 * SECOND)).isEmpty();
    assertThat(overTime.backTo(0.9, 2 * SECOND, 2 * SECOND, 3 * SECOND)).isEmpty();
  }

  @Test
  void addsAnother() {
    answers(2, 0, SECOND);
    OverTime sum = new OverTime();
    sum.add(overTime);
    sum.add(overTime);
    assertThat(sum.from(800_000_000)).isEqualTo("4,4");
  }

  /** So many in each interval. */
  private void answers(int count, long begin, long end) {
    for (long nanos = begin; nanos < end; nanos += OverTime.INTERVAL) {
      for (int i = 0; i < count; i++) {
        overTime.record(nanos);
      }
    }
  }
}
