package io.longshore.source.runtime;

import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.List;

/**
 * The runtimes of this host.
 *
 * @param all of them
 */
public record SourceRuntimes(List<SourceRuntime> all) {
  /** Copies. */
  public SourceRuntimes {
    all = List.copyOf(all);
  }

  /** Their names, as the node reports them. */
  public List<String> names() {
    return all.stream().map(SourceRuntime::name).toList();
  }

  /** What could be moved, of each runtime that keeps a list. */
  public List<ListedWorkload> list() {
    return all.stream().flatMap(runtime -> runtime.list().stream()).toList();
  }

  /**
   * Finds a workload; changes nothing.
   *
   * @param policy what is to become of it on the target, if it is a container
   * @throws LongshoreException RUNTIME_MISSING; UNKNOWN_PROCESS, UNKNOWN_CONTAINER; RUNTIME_FAILED
   */
  public Leaving find(WorkloadName workload, ContainerPolicy policy) {
    return runtime(workload).find(workload.name(), policy);
  }

  /**
   * One that an earlier run of the agent was moving.
   *
   * @throws LongshoreException RUNTIME_MISSING
   */
  public Leaving takeUp(RootProcess root, RuntimeRecord record) {
    return runtime(record.workload()).takeUp(root, record);
  }

  private SourceRuntime runtime(WorkloadName workload) {
    return all.stream()
        .filter(runtime -> runtime.name().equals(workload.runtime()))
        .findFirst()
        .orElseThrow(
            () ->
                new LongshoreException(
                    Reason.RUNTIME_MISSING,
                    "%s: the source has no such runtime, it has %s"
                        .formatted(workload, String.join(", ", names()))));
  }
}
