package io.longshore.coordinator.agent;

import java.time.Duration;

/**
 * Pages that the workload waited for because they were still on the source.
 *
 * @param count how many
 * @param median how long it waited for one; zero if that is not known
 * @param percentile99 99 % of them were there in so long; zero if that is not known
 */
public record DemandFaults(long count, Duration median, Duration percentile99) {
  public static final DemandFaults NONE = new DemandFaults(0, Duration.ZERO, Duration.ZERO);
}
