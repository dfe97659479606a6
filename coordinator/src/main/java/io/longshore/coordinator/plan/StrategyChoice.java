package io.longshore.coordinator.plan;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The strategy for a migration that names none. What leaves no page on the source after the resume
 * comes first, if it is predicted to keep the policy in the bad case too. Pure.
 *
 * @param strategy the strategy
 * @param reason why this one
 * @param inTime whether it is predicted to keep the policy's total time
 */
record StrategyChoice(Strategy strategy, String reason, boolean inTime) {
  /** Of a workload that writes faster than it is sent, rounds send the same pages again. */
  private static final double MOST_RESENT = 1.3;

  /**
   * Chooses.
   *
   * @param lazy whether the target can restore lazily
   */
  static StrategyChoice of(Policy policy, boolean lazy, Forecast forecast) {
    List<Prediction> inTime =
        forecast.predictions().stream().filter(each -> isInTime(each, policy)).toList();
    Optional<Prediction> stopAndCopy = find(inTime, Strategy.STOP_AND_COPY);
    Optional<Prediction> preCopy = find(inTime, Strategy.PRE_COPY);
    for (Optional<Prediction> each : List.of(stopAndCopy, preCopy)) {
      if (each.isPresent() && each.get().converges() && keepsBudget(each.get(), policy)) {
        return new StrategyChoice(
            each.get().strategy(),
            "predicted downtime %s is within the budget of %s, and no page is left on the source when it resumes"
                .formatted(text(each.get()), text(policy.downtimeBudget())),
            true);
      }
    }
    String others = others(forecast, policy);
    if (policy.postCopy() == PostCopy.ALLOWED && lazy) {
      Optional<Prediction> hybrid = find(inTime, Strategy.HYBRID);
      Optional<Prediction> postCopy = find(inTime, Strategy.POST_COPY);
      boolean roundsPay =
          hybrid.isPresent() && (postCopy.isEmpty() || pays(hybrid.get(), postCopy.get()));
      Optional<Prediction> resumesFirst = roundsPay ? hybrid : postCopy;
      if (resumesFirst.isPresent()) {
        String rounds =
            roundsPay || hybrid.isEmpty()
                ? ""
                : ", and rounds would send %.1f times as much"
                    .formatted(ratio(hybrid.get(), postCopy.get()));
        return new StrategyChoice(
            resumesFirst.get().strategy(),
            others + rounds + ": it resumes first, predicted downtime " + text(resumesFirst.get()),
            true);
      }
    }
    String forbidden =
        policy.postCopy() == PostCopy.ALLOWED
            ? "; the target cannot restore lazily"
            : "; post-copy is forbidden";
    if (preCopy.isPresent()) {
      return new StrategyChoice(
          Strategy.PRE_COPY,
          others
              + forbidden
              + switch (policy.onNoConvergence()) {
                case POST_COPY, ABORT -> ": it is rolled back if its rounds do not converge";
                case FORCE -> ": it is forced";
                case THROTTLE -> ": it is slowed until its rounds converge";
              },
          true);
    }
    if (stopAndCopy.isPresent() && policy.onNoConvergence() == OnNoConvergence.FORCE) {
      return new StrategyChoice(
          Strategy.STOP_AND_COPY, others + forbidden + ": it is forced", true);
    }
    return new StrategyChoice(Strategy.PRE_COPY, others + forbidden, false);
  }

  /** Chooses where nothing is predicted. */
  static StrategyChoice withoutForecast(MigrationSpec spec, boolean lazy) {
    String where = "target '" + spec.targetNode() + "'";
    if (!lazy) {
      return new StrategyChoice(
          Strategy.STOP_AND_COPY,
          where + " cannot restore lazily (userfaultfd): post-copy is not possible",
          true);
    }
    return switch (spec.policy().postCopy()) {
      case ALLOWED ->
          new StrategyChoice(
              Strategy.POST_COPY,
              where + " can restore lazily: downtime does not grow with memory",
              true);
      case FORBIDDEN ->
          new StrategyChoice(
              Strategy.PRE_COPY,
              "post-copy is forbidden: all memory is sent before the workload runs on the target",
              true);
    };
  }

  /** Whether rounds leave less behind for what they send more. */
  private static boolean pays(Prediction hybrid, Prediction postCopy) {
    return ratio(hybrid, postCopy) <= MOST_RESENT;
  }

  private static double ratio(Prediction hybrid, Prediction postCopy) {
    return (double) hybrid.expectation().bytesOnWire()
        / Math.max(1, postCopy.expectation().bytesOnWire());
  }

  private static boolean isInTime(Prediction prediction, Policy policy) {
    return policy
        .maxTotalTime()
        .map(most -> prediction.expectation().totalTime().expected().compareTo(most) <= 0)
        .orElse(true);
  }

  private static boolean keepsBudget(Prediction prediction, Policy policy) {
    return prediction.expectation().downtime().high().compareTo(policy.downtimeBudget()) <= 0;
  }

  private static Optional<Prediction> find(List<Prediction> predictions, Strategy strategy) {
    return predictions.stream().filter(each -> each.strategy() == strategy).findFirst();
  }

  private static String others(Forecast forecast, Policy policy) {
    return "stop-and-copy %s, pre-copy %s (budget %s)"
        .formatted(
            why(forecast, Strategy.STOP_AND_COPY, policy),
            why(forecast, Strategy.PRE_COPY, policy),
            text(policy.downtimeBudget()));
  }

  private static String why(Forecast forecast, Strategy strategy, Policy policy) {
    return forecast
        .prediction(strategy)
        .map(
            each -> {
              if (!isInTime(each, policy)) {
                return "would take " + text(each.expectation().totalTime().expected()) + " in all";
              }
              return each.converges()
                  ? "would have a downtime of " + text(each)
                  : "does not surely converge";
            })
        .orElse("is not predicted");
  }

  private static String text(Prediction prediction) {
    DurationEstimate downtime = prediction.expectation().downtime();
    return "%s (%s to %s)"
        .formatted(text(downtime.expected()), text(downtime.low()), text(downtime.high()));
  }

  static String text(Duration time) {
    return time.toMillis() < 1000
        ? time.toMillis() + " ms"
        : String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1000.0);
  }
}
