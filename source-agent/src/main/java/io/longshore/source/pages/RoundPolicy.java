package io.longshore.source.pages;

import java.time.Duration;

/**
 * When rounds end.
 *
 * @param downtimeBudget how long the workload may stand still, in all
 * @param maximumRounds at most so many, at least 1; if it throttles, one more for each step
 * @param throttles whether a workload is slowed whose rounds would end without having converged
 */
public record RoundPolicy(Duration downtimeBudget, int maximumRounds, boolean throttles) {
  /** What a freeze, a restore and a resume take without any page: of the budget only the rest. */
  private static final Duration WITHOUT_PAGES = Duration.ofMillis(200);

  /** However small the budget is. */
  private static final Duration LEAST = Duration.ofMillis(20);

  public RoundPolicy {
    if (downtimeBudget.isNegative() || maximumRounds < 1) {
      throw new IllegalArgumentException(
          "no policy: " + downtimeBudget + ", " + maximumRounds + " rounds");
    }
  }

  /** How long pages may take while the workload stands still. */
  Duration forPages() {
    Duration rest = downtimeBudget.minus(WITHOUT_PAGES);
    return rest.compareTo(LEAST) < 0 ? LEAST : rest;
  }
}
