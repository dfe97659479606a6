package io.longshore.target.arrival;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.workload.WorkloadFacts;
import java.io.IOException;
import java.util.List;

/** Makes arrivals with all they need. */
public interface ArrivalFactory {
  /**
   * Reserves memory and folders for a workload.
   *
   * @param promisedBytes what other arrivals may still take
   * @throws io.longshore.platform.error.LongshoreException OUT_OF_MEMORY if it does not fit
   */
  Arrival create(MigrationRef ref, WorkloadFacts facts, long promisedBytes);

  /**
   * Looks for what an agent that is gone left on this host: ends what never ran, and takes up what
   * was let run. Before anything is created.
   */
  default List<Arrival> takeUp() throws IOException {
    return List.of();
  }
}
