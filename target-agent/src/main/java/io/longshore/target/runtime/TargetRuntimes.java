package io.longshore.target.runtime;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.run.CriuFolder;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The runtimes of this host.
 *
 * @param all of them
 */
public record TargetRuntimes(List<TargetRuntime> all) {
  /** Copies. */
  public TargetRuntimes {
    all = List.copyOf(all);
  }

  /** Their names, as the node reports them. */
  public List<String> names() {
    return all.stream().map(TargetRuntime::name).toList();
  }

  /** What stands in the way and only the runtime knows, as that there is none. */
  public List<Problem> check(WorkloadFacts facts) {
    return find(facts.runtime())
        .map(runtime -> runtime.check(facts))
        .orElseGet(() -> List.of(new Problem(Reason.RUNTIME_MISSING, missing(facts.runtime()))));
  }

  /**
   * Where a file of a workload is on this host.
   *
   * @return empty if nothing is to be compared, as where the runtime is missing
   */
  public Optional<Path> locate(WorkloadFacts facts, String path) {
    return find(facts.runtime()).flatMap(runtime -> runtime.locate(facts, path));
  }

  /**
   * One that will come; changes nothing yet.
   *
   * @throws LongshoreException RUNTIME_MISSING; INVALID_ARGUMENT
   */
  public Coming expect(MigrationRef ref, WorkloadFacts facts, CriuFolder folder) {
    return get(facts.runtime()).expect(ref, facts, folder);
  }

  /**
   * One that an agent which is gone expected.
   *
   * @throws LongshoreException RUNTIME_MISSING
   */
  public Coming takeUp(MigrationRef ref, RuntimeRecord record, CriuFolder folder) {
    return get(record.runtime()).takeUp(ref, record, folder);
  }

  private TargetRuntime get(String name) {
    return find(name)
        .orElseThrow(() -> new LongshoreException(Reason.RUNTIME_MISSING, missing(name)));
  }

  private Optional<TargetRuntime> find(String name) {
    return all.stream().filter(runtime -> runtime.name().equals(name)).findFirst();
  }

  private String missing(String name) {
    return "the target has no runtime '%s', it has %s".formatted(name, String.join(", ", names()));
  }
}
