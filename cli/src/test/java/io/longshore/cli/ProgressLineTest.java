package io.longshore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.v1.Migration.State;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ProgressLineTest {
  private static final long GIB = Samples.GIB;

  @Test
  void saysOnlyThePhaseBeforeTheAmountIsKnown() {
    assertThat(ProgressLine.of(Samples.in(State.STATE_FREEZING), 80)).isEqualTo("freezing ...");
  }

  @Test
  void saysOneHundredPercentOnlyWhenNothingIsLeft() {
    assertThat(ProgressLine.of(Samples.moving(State.STATE_PUSHING, GIB - 1, GIB, 0), 80))
        .contains(" 99%  1 B left")
        .contains("#-]");
    assertThat(ProgressLine.of(Samples.moving(State.STATE_PUSHING, GIB, GIB, 5), 80))
        .contains("100%  1.0 GiB")
        .doesNotContain("-");
  }

  @Test
  void survivesACountThatIsTooHigh() {
    assertThat(ProgressLine.of(Samples.moving(State.STATE_PUSHING, 2 * GIB, GIB, 0), 80))
        .contains("100%");
  }

  @Test
  void saysWhatItWaitsForInsteadOfHowFarItIs() {
    assertThat(
            ProgressLine.of(
                Samples.waiting(State.STATE_RESUMING, "resuming on the target", "RAN_IN_PART"), 80))
        .isEqualTo("resuming waits: resuming on the target failed with RAN_IN_PART");
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 40, 60, 79, 200})
  void fitsTheTerminal(int width) {
    assertThat(
            ProgressLine.of(
                Samples.moving(State.STATE_TRANSFERRING, 7 * GIB, 100 * GIB, GIB / 3), width))
        .hasSizeLessThanOrEqualTo(width);
  }
}
