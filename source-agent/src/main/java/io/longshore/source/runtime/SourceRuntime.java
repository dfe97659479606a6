package io.longshore.source.runtime;

import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.workload.ContainerPolicy;
import java.util.List;

/** How workloads of one kind are found on the source. Thread-safe. */
public interface SourceRuntime {
  /** As nodes report it: "process", "runc". */
  String name();

  /**
   * What could be moved, or why it could not; empty if the runtime keeps no list.
   *
   * @throws io.longshore.platform.error.LongshoreException RUNTIME_FAILED
   */
  List<ListedWorkload> list();

  /**
   * Finds a workload; changes nothing.
   *
   * @param name within this runtime
   * @param policy what is to become of it on the target, for its facts; of no use for a process
   * @throws io.longshore.platform.error.LongshoreException UNKNOWN_PROCESS, UNKNOWN_CONTAINER if
   *     there is none; RUNTIME_FAILED
   */
  Leaving find(String name, ContainerPolicy policy);

  /**
   * One that an earlier run of the agent was moving, as it was written down; changes nothing. It
   * may have ended since.
   */
  Leaving takeUp(RootProcess root, RuntimeRecord record);
}
