package io.longshore.coordinator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.longshore.coordinator.agent.MemorySizes;
import io.longshore.coordinator.agent.WorkloadProfile;
import io.longshore.coordinator.agent.WorkloadProfile.Interval;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DirtyCurveTest {
  private static final int SAMPLE = 4096;

  static WorkloadProfile seen(long pages, int soon, int later) {
    return new WorkloadProfile(
        new MemorySizes(pages, 0, 0, 0, 0),
        SAMPLE,
        0,
        1,
        List.of(
            new Interval(Duration.ofMillis(250), soon), new Interval(Duration.ofSeconds(1), later)),
        "userfaultfd");
  }

  private static int expected(DirtyCurve curve, double seconds) {
    return (int) Math.round(curve.written(seconds) * SAMPLE);
  }

  @Test
  void findsRateAndWorkingSetFromWhatWasWrittenAfterTwoTimes() {
    for (DirtyCurve curve :
        List.of(new DirtyCurve(0.5, 0.3), new DirtyCurve(0.1, 0.6), new DirtyCurve(2, 0.9))) {
      DirtyCurve found = DirtyCurve.of(seen(1, expected(curve, 0.25), expected(curve, 1)), 0);
      assertThat(found.rate()).isCloseTo(curve.rate(), within(0.05 * curve.rate()));
      assertThat(found.written(1)).isCloseTo(curve.written(1), within(0.001));
      assertThat(found.written(4)).isCloseTo(curve.written(4), within(0.1));
    }
  }

  @Test
  void aQuietWorkloadWritesNothing() {
    assertThat(DirtyCurve.of(seen(1, 0, 0), 0).written(100)).isZero();
    // It may still have been luck.
    assertThat(DirtyCurve.of(seen(1, 0, 0), 2).written(1)).isBetween(1e-5, 1e-3);
  }

  @Test
  void whatWasAllWrittenAtOnceIsTheWorkingSet() {
    DirtyCurve found = DirtyCurve.of(seen(1, 410, 410), 0);
    assertThat(found.workingSet()).isCloseTo(0.1, within(0.001));
    assertThat(found.written(100)).isCloseTo(0.1, within(0.001));
  }

  @Test
  void allOfItIsTheMost() {
    DirtyCurve found = DirtyCurve.of(seen(1, SAMPLE, SAMPLE), 2);
    assertThat(found.workingSet()).isEqualTo(1, within(1e-6));
    assertThat(found.written(0.3)).isBetween(0.9, 1.0);
    // More than straight: all random writes in one quarter, as if it had just begun.
    assertThat(DirtyCurve.of(seen(1, 0, 400), 0).workingSet()).isEqualTo(1, within(1e-6));
  }

  @Test
  void nothingSeenIsNothingWritten() {
    assertThat(
            DirtyCurve.of(
                new WorkloadProfile(
                    new MemorySizes(0, 0, 0, 0, 0), 0, 0, 1, List.of(), "userfaultfd"),
                2))
        .isEqualTo(DirtyCurve.QUIET);
  }
}
