package io.longshore.coordinator.agent;

import java.util.List;

/**
 * A workload that a runtime of a node knows.
 *
 * @param workload what it is
 * @param pid process id of its root; 0 if it has no process
 * @param state in its runtime's own word
 * @param obstacles what would keep it from leaving, as far as it is seen at once
 */
public record ListedWorkload(Workload workload, int pid, String state, List<Obstacle> obstacles) {
  public ListedWorkload {
    obstacles = List.copyOf(obstacles);
  }
}
