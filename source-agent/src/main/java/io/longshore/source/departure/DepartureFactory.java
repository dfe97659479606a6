package io.longshore.source.departure;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerPolicy;
import java.io.IOException;
import java.util.List;

/** Makes departures with all they need. */
interface DepartureFactory {
  /**
   * Writes the journal, verifies the workload, waits for the data streams and builds the fence. On
   * failure nothing is left.
   *
   * @param plane being opened to {@code target}; closed on failure
   * @param planes opens another
   */
  Departure create(
      MigrationRef ref,
      WorkloadName workload,
      ContainerPolicy policy,
      List<String> serviceAddresses,
      TransferTarget target,
      DataPlane plane,
      DataPlanes planes)
      throws IOException, InterruptedException;

  /**
   * Finds again what an earlier run of the agent had made; changes nothing.
   *
   * @param record of a migration that is not over
   */
  Departure takeUp(DepartureRecord record, DataPlanes planes) throws IOException;
}
