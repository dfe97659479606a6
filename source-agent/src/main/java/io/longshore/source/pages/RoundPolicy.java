package io.longshore.source.pages;

import java.time.Duration;

/**
 * When rounds end.
 *
 * @param pageBudget how long pages may take while the workload stands still
 * @param maximumRounds at most so many, at least 1; if it throttles, one more for each step
 * @param throttles whether a workload is slowed whose rounds would end without having converged
 */
public record RoundPolicy(Duration pageBudget, int maximumRounds, boolean throttles) {
  public RoundPolicy {
    if (pageBudget.isNegative() || maximumRounds < 1) {
      throw new IllegalArgumentException(
          "no policy: " + pageBudget + ", " + maximumRounds + " rounds");
    }
  }
}
