package io.longshore.target.runtime;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.RestorePlace;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A runtime that only notes what it is asked for. */
public final class RecordingRuntime implements TargetRuntime {
  public final List<String> calls = new CopyOnWriteArrayList<>();

  /** The call that fails; null: none. */
  public volatile @Nullable String failing;

  private final Path root;

  public RecordingRuntime() {
    this(Path.of("/"));
  }

  /**
   * @param root where /elsewhere begins
   */
  public RecordingRuntime(Path root) {
    this.root = root;
  }

  @Override
  public String name() {
    return "recording";
  }

  @Override
  public List<Problem> check(WorkloadFacts facts) {
    return List.of(new Problem(Reason.CONTAINER_EXISTS, "it is here"));
  }

  @Override
  public Optional<Path> locate(WorkloadFacts facts, String path) {
    String elsewhere = "/elsewhere/";
    return path.startsWith(elsewhere)
        ? Optional.of(root.resolve(path.substring(elsewhere.length())))
        : Optional.empty();
  }

  @Override
  public Coming expect(MigrationRef ref, WorkloadFacts facts, CriuFolder folder) {
    return new Recording();
  }

  @Override
  public Coming takeUp(MigrationRef ref, RuntimeRecord record, CriuFolder folder) {
    calls.add("takeUp " + record.values());
    return new Recording();
  }

  /** A workload of it. */
  public Coming coming() {
    return new Recording();
  }

  private final class Recording implements Coming {
    private void note(String call) throws IOException {
      calls.add(call);
      if (call.equals(failing)) {
        throw new IOException(call + " fails");
      }
    }

    @Override
    public RuntimeRecord record() {
      return new RuntimeRecord(
          new WorkloadName("recording", "it"), new TreeMap<>(Map.of("key", "value")));
    }

    @Override
    public void prepare() throws IOException {
      note("prepare");
    }

    @Override
    public RestorePlace place() throws IOException {
      note("place");
      return new RestorePlace(List.of(), List.of("--of-the-runtime"), true);
    }

    @Override
    public void namespacesMade(int root) throws IOException {
      note("namespacesMade " + root);
    }

    @Override
    public void held(int root) throws IOException {
      note("held " + root);
    }

    @Override
    public void running() {
      calls.add("running");
    }

    @Override
    public void remove() throws IOException {
      note("remove");
    }
  }
}
