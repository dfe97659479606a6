package io.longshore.source.departure;

import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.CgroupHierarchy;
import io.longshore.linux.ProcessTree;
import io.longshore.platform.error.Problem;
import io.longshore.source.runtime.Leaving;
import io.longshore.source.runtime.RootProcess;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Notes what a runtime is told, and how the workload's process and its fence are then. */
record WatchedLeaving(
    Leaving of,
    String migration,
    List<String> calls,
    AtomicInteger failures,
    List<String> dumpOptions)
    implements Leaving {
  WatchedLeaving(Leaving of, String migration) {
    this(
        of,
        migration,
        new CopyOnWriteArrayList<>(),
        new AtomicInteger(),
        new CopyOnWriteArrayList<>());
  }

  private void note(String call) throws IOException {
    Optional<CgroupFence> fence = CgroupFence.attach(CgroupHierarchy.forFreezing(), migration);
    String state =
        fence.isEmpty() ? "no fence" : fence.get().freezeRequested() ? "frozen" : "not frozen";
    calls.add(call + ": " + (root().isAlive() ? "alive, " : "dead, ") + state);
    if (failures.getAndDecrement() > 0) {
      throw new IOException("the runtime fails");
    }
  }

  @Override
  public RootProcess root() {
    return of.root();
  }

  @Override
  public RuntimeRecord record() {
    return new RuntimeRecord(of.record().workload(), new TreeMap<>(Map.of("key", "value")));
  }

  @Override
  public List<Problem> problems(ProcessTree tree) throws IOException {
    return of.problems(tree);
  }

  @Override
  public Optional<ContainerFacts> facts() throws IOException {
    return of.facts();
  }

  @Override
  public void fenced(ProcessTree tree) throws IOException {
    note("fenced");
  }

  @Override
  public void thawing() throws IOException {
    note("thawing");
  }

  @Override
  public void released() throws IOException {
    note("released");
  }
}
