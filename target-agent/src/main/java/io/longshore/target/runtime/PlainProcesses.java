package io.longshore.target.runtime;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.RestorePlace;
import io.longshore.platform.error.Problem;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Processes that nothing but the kernel knows: CRIU makes all that there is of them. */
public final class PlainProcesses implements TargetRuntime {
  /** Each of them: nothing is known of one. */
  public static final Coming ANY = new PlainProcess();

  private final Path root;

  /** Whose paths are those of this host. */
  public PlainProcesses() {
    this(Path.of("/"));
  }

  /**
   * @param root where the workloads' paths begin
   */
  public PlainProcesses(Path root) {
    this.root = root;
  }

  @Override
  public String name() {
    return WorkloadName.PROCESS;
  }

  @Override
  public List<Problem> check(WorkloadFacts facts) {
    return List.of();
  }

  @Override
  public Optional<Path> locate(WorkloadFacts facts, String path) {
    return Optional.of(root.resolve(path.substring(1)));
  }

  @Override
  public Coming expect(MigrationRef ref, WorkloadFacts facts, CriuFolder folder) {
    return ANY;
  }

  @Override
  public Coming takeUp(MigrationRef ref, RuntimeRecord record, CriuFolder folder) {
    return ANY;
  }

  private record PlainProcess() implements Coming {
    @Override
    public RuntimeRecord record() {
      return RuntimeRecord.ofProcess(0);
    }

    @Override
    public void prepare() {}

    @Override
    public RestorePlace place() {
      return RestorePlace.HERE;
    }

    @Override
    public void namespacesMade(int root) {}

    @Override
    public void held(int root) {}

    @Override
    public void running() {}

    @Override
    public void remove() {}
  }
}
