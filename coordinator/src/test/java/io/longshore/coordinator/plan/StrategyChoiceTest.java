package io.longshore.coordinator.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which strategy is taken for a migration that names none, and why. */
final class StrategyChoiceTest {
  private static final long GIB = 1L << 30;
  private static final Policy POLICY =
      new Policy(
          Duration.ofMillis(300),
          10,
          PostCopy.ALLOWED,
          OnNoConvergence.POST_COPY,
          Optional.empty(),
          0);

  @Test
  void nothingIsLeftBehindWhereTheBudgetAllowsIt() {
    assertThat(choose(POLICY, 250, 200, GIB, true).strategy()).isEqualTo(Strategy.STOP_AND_COPY);
    assertThat(choose(POLICY, 9000, 200, GIB, true).strategy()).isEqualTo(Strategy.PRE_COPY);
  }

  @Test
  void roundsComeFirstWhereTheyLeaveLittle() {
    StrategyChoice choice = choose(POLICY, 9000, 900, GIB * 12 / 10, false);
    assertThat(choice.strategy()).isEqualTo(Strategy.HYBRID);
    assertThat(choice.reason()).contains("does not surely converge", "it resumes first");
  }

  @Test
  void noRoundsForWhatWritesFasterThanItIsSent() {
    StrategyChoice choice = choose(POLICY, 9000, 9000, 2 * GIB, false);
    assertThat(choice.strategy()).isEqualTo(Strategy.POST_COPY);
    assertThat(choice.reason()).contains("rounds would send 2.0 times as much");
  }

  @Test
  void postCopyIsNotChosenWhereItIsForbidden() {
    Policy forbidding =
        new Policy(
            Duration.ofMillis(300),
            10,
            PostCopy.FORBIDDEN,
            OnNoConvergence.ABORT,
            Optional.empty(),
            0);
    StrategyChoice choice = choose(forbidding, 9000, 9000, 2 * GIB, false);
    assertThat(choice.strategy()).isEqualTo(Strategy.PRE_COPY);
    assertThat(choice.reason()).contains("post-copy is forbidden", "rolled back");
  }

  @Test
  void whatTakesTooLongInAllIsNotChosen() {
    Policy hurried =
        new Policy(
            Duration.ofMillis(300),
            10,
            PostCopy.ALLOWED,
            OnNoConvergence.POST_COPY,
            Optional.of(Duration.ofSeconds(12)),
            0);
    StrategyChoice choice = choose(hurried, 9000, 200, GIB, true);
    assertThat(choice.strategy()).isEqualTo(Strategy.POST_COPY);
    assertThat(choice.reason()).contains("pre-copy would take 20.0 s in all");
  }

  private static StrategyChoice choose(
      Policy policy, int stopAndCopyMillis, int preCopyMillis, long roundBytes, boolean converges) {
    return StrategyChoice.of(
        policy,
        true,
        new Forecast(
            Optional.empty(),
            Optional.empty(),
            List.of(
                prediction(Strategy.STOP_AND_COPY, stopAndCopyMillis, 10, GIB, true),
                prediction(Strategy.PRE_COPY, preCopyMillis, 20, roundBytes, converges),
                prediction(Strategy.POST_COPY, 250, 10, GIB, true),
                prediction(Strategy.HYBRID, 350, 20, roundBytes, converges)),
            0,
            List.of()));
  }

  private static Prediction prediction(
      Strategy strategy, int downtimeMillis, int totalSeconds, long bytes, boolean converges) {
    Duration downtime = Duration.ofMillis(downtimeMillis);
    Duration total = Duration.ofSeconds(totalSeconds);
    return new Prediction(
        strategy,
        new Expectation(
            new DurationEstimate(downtime, downtime, downtime),
            new DurationEstimate(total, total, total),
            bytes),
        1,
        converges);
  }
}
