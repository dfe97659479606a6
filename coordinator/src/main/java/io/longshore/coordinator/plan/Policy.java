package io.longshore.coordinator.plan;

import java.time.Duration;
import java.util.Optional;

/**
 * Bounds that a migration keeps.
 *
 * @param downtimeBudget how long the workload may stand still, 0 to an hour
 * @param maxRounds at most so many rounds, 1 to 1000
 * @param postCopy whether the workload may run on the target before all of its memory is there
 * @param onNoConvergence what then, if rounds do not get there
 * @param maxTotalTime what is predicted to take longer is not chosen
 * @param maxBandwidth bytes of page contents a second, at least {@link #LEAST_BANDWIDTH}; 0: as
 *     fast as may be
 */
public record Policy(
    Duration downtimeBudget,
    int maxRounds,
    PostCopy postCopy,
    OnNoConvergence onNoConvergence,
    Optional<Duration> maxTotalTime,
    long maxBandwidth) {
  /** Slower than this no migration is of use. */
  public static final long LEAST_BANDWIDTH = 100_000;

  /** What holds if nobody says otherwise. */
  public static final Policy DEFAULT =
      new Policy(
          Duration.ofMillis(300),
          30,
          PostCopy.ALLOWED,
          OnNoConvergence.POST_COPY,
          Optional.empty(),
          0);

  /** What a freeze, a restore and a resume take without any page: of the budget only the rest. */
  private static final Duration WITHOUT_PAGES = Duration.ofMillis(200);

  /** However small the budget is. */
  private static final Duration LEAST_FOR_PAGES = Duration.ofMillis(20);

  public Policy {
    if (downtimeBudget.isNegative()
        || downtimeBudget.compareTo(Duration.ofHours(1)) > 0
        || maxRounds < 1
        || maxRounds > 1000) {
      throw new IllegalArgumentException(
          "no policy: " + downtimeBudget + ", " + maxRounds + " rounds");
    }
    if (maxBandwidth != 0 && maxBandwidth < LEAST_BANDWIDTH) {
      throw new IllegalArgumentException("no policy: " + maxBandwidth + " bytes a second");
    }
    if (postCopy == PostCopy.FORBIDDEN && onNoConvergence == OnNoConvergence.POST_COPY) {
      throw new IllegalArgumentException("no policy: post-copy is forbidden and asked for");
    }
    if (maxTotalTime.isPresent() && !maxTotalTime.get().isPositive()) {
      throw new IllegalArgumentException("no policy: at most " + maxTotalTime.get());
    }
  }

  /** How long pages may take while the workload stands still: rounds end when the rest fits. */
  public Duration forPages() {
    Duration rest = downtimeBudget.minus(WITHOUT_PAGES);
    return rest.compareTo(LEAST_FOR_PAGES) < 0 ? LEAST_FOR_PAGES : rest;
  }
}
