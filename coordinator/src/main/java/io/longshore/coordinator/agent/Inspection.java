package io.longshore.coordinator.agent;

import java.util.List;
import java.util.Optional;

/**
 * What a source found when it looked at a workload.
 *
 * @param facts the facts, absent if the workload could not be looked at
 * @param obstacles what stands in the way on that side
 */
public record Inspection(Optional<WorkloadFacts> facts, List<Obstacle> obstacles) {
  public Inspection {
    obstacles = List.copyOf(obstacles);
  }
}
