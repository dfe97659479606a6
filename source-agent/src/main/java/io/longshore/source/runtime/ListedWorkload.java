package io.longshore.source.runtime;

import io.longshore.agent.runtime.WorkloadName;
import io.longshore.platform.error.Problem;
import java.util.List;

/**
 * A workload that a runtime knows.
 *
 * @param workload its name
 * @param pid of its root; 0 if it has no process
 * @param state in the runtime's own word: "running"
 * @param problems why it could not be moved, as far as that is seen at once
 */
public record ListedWorkload(WorkloadName workload, int pid, String state, List<Problem> problems) {
  /** Copies. */
  public ListedWorkload {
    problems = List.copyOf(problems);
  }
}
