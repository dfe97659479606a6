package io.longshore.coordinator.plan;

import java.time.Duration;

/**
 * Bounds that a migration keeps.
 *
 * @param downtimeBudget how long the workload may stand still, 0 to an hour
 * @param maxRounds at most so many rounds, 1 to 1000
 */
public record Policy(Duration downtimeBudget, int maxRounds) {
  /** What holds if nobody says otherwise. */
  public static final Policy DEFAULT = new Policy(Duration.ofMillis(300), 30);

  public Policy {
    if (downtimeBudget.isNegative()
        || downtimeBudget.compareTo(Duration.ofHours(1)) > 0
        || maxRounds < 1
        || maxRounds > 1000) {
      throw new IllegalArgumentException(
          "no policy: " + downtimeBudget + ", " + maxRounds + " rounds");
    }
  }
}
