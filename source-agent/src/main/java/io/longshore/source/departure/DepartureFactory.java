package io.longshore.source.departure;

import io.longshore.agent.migration.MigrationRef;
import java.io.IOException;
import java.util.List;

/** Makes departures with all they need. */
public interface DepartureFactory {
  /**
   * Verifies the workload, waits for the data streams and builds the fence. On failure nothing is
   * left.
   *
   * @param plane being opened; closed on failure
   */
  Departure create(MigrationRef ref, int pid, List<String> serviceAddresses, DataPlane plane)
      throws IOException, InterruptedException;
}
