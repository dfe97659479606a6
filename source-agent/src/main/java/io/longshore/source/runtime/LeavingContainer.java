package io.longshore.source.runtime;

import io.longshore.agent.runc.Runc;
import io.longshore.agent.runc.RuncCheckpoint;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.criu.rpc.CriuOptionsOfRunc;
import io.longshore.linux.ContainerCgroup;
import io.longshore.linux.ProcessTree;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A container of runc on its way out.
 *
 * @param cgroup by which runc freezes it
 * @param obstacles found when it was looked at
 * @param known what its target must know; null if an agent before this one found it
 * @param checkpoint what runc would have CRIU do; null if it cannot be dumped, or an agent before
 *     this one has
 */
record LeavingContainer(
    Runc runc,
    RootProcess root,
    RuntimeRecord record,
    ContainerCgroup cgroup,
    List<Problem> obstacles,
    @Nullable ContainerFacts known,
    @Nullable RuncCheckpoint checkpoint)
    implements Leaving {
  private static final Duration FROZEN = Duration.ofSeconds(5);

  @Override
  public List<Problem> problems(ProcessTree tree) throws IOException {
    List<Problem> problems = new ArrayList<>(obstacles);
    problems.addAll(ContainerObstacles.lookingAt(tree, cgroup));
    return problems;
  }

  @Override
  public Optional<ContainerFacts> facts() {
    return Optional.ofNullable(known);
  }

  @Override
  public List<String> dumpOptions() {
    if (checkpoint == null) {
      throw new LongshoreException(
          Reason.RUNTIME_FAILED, record.workload() + " cannot be dumped: see its plan");
    }
    return CriuOptionsOfRunc.dump(checkpoint.request(), OptionalLong.empty());
  }

  /** As runc pauses a container: nothing can be executed in it then. */
  @Override
  public void fenced(ProcessTree tree) throws IOException {
    cgroup.freeze(FROZEN);
    List<Problem> outside = ContainerObstacles.outside(tree, cgroup);
    if (!outside.isEmpty()) {
      throw new LongshoreException(
          Reason.PROCESS_OUTSIDE_TREE,
          outside.getFirst().message() + ": it was started since the plan was made");
    }
  }

  @Override
  public void thawing() throws IOException {
    cgroup.thaw();
  }

  @Override
  public void released() throws IOException {
    try {
      if (runc.state(record.workload().name()).isPresent()) {
        runc.delete(record.workload().name());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(Reason.CANCELLED, "interrupted while runc was told", e);
    }
  }
}
