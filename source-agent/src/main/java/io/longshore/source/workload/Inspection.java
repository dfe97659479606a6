package io.longshore.source.workload;

import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.platform.error.Problem;
import java.util.List;
import java.util.Optional;

/**
 * What was found when a workload was looked at.
 *
 * @param facts empty if it could not be looked at
 * @param problems what stands in the way of moving it from here
 */
public record Inspection(Optional<WorkloadFacts> facts, List<Problem> problems) {
  /** Copies the list. */
  public Inspection {
    problems = List.copyOf(problems);
  }
}
