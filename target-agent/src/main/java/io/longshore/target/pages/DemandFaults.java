package io.longshore.target.pages;

import java.time.Duration;

/**
 * Pages that the workload waited for because they were still on the source.
 *
 * @param count how many
 * @param median how long it waited for one, from when the agent read of it until the page was in
 *     its memory; zero if there was none
 * @param percentile99 99 % of them were there in so long; zero if there was none
 */
public record DemandFaults(long count, Duration median, Duration percentile99) {
  public static final DemandFaults NONE = new DemandFaults(0, Duration.ZERO, Duration.ZERO);
}
