package io.longshore.target.runtime;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.run.CriuFolder;
import io.longshore.platform.error.Problem;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** How workloads of one kind come to be on the target. Thread-safe. */
public interface TargetRuntime {
  /** As nodes report it: "process", "runc". */
  String name();

  /** What stands in the way and only the runtime knows; changes nothing. */
  List<Problem> check(WorkloadFacts facts);

  /**
   * Where a file of a workload is on this host.
   *
   * @param path absolute, as the workload names it
   * @return empty if it need not be there, or not with the same content: nothing is compared
   */
  Optional<Path> locate(WorkloadFacts facts, String path);

  /**
   * One that will come; changes nothing yet.
   *
   * @param folder of the migration
   * @throws io.longshore.platform.error.LongshoreException INVALID_ARGUMENT if the facts are not
   *     those of such a workload
   */
  Coming expect(MigrationRef ref, WorkloadFacts facts, CriuFolder folder);

  /** One that an agent which is gone expected, as it was written down; changes nothing. */
  Coming takeUp(MigrationRef ref, RuntimeRecord record, CriuFolder folder);
}
