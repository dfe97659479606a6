package io.longshore.cli;

import io.longshore.v1.ListWorkloadsResponse;
import io.longshore.v1.ListedWorkload;
import io.longshore.v1.Obstacle;
import java.util.stream.Collectors;

/** Workloads of nodes for people. */
final class WorkloadTable {
  private final Table table =
      new Table("").row("NODE", "RUNTIME", "CONTAINER", "STATE", "PID", "OBSTACLES");

  void add(ListWorkloadsResponse workloads) {
    for (ListedWorkload listed : workloads.getWorkloadsList()) {
      table.row(
          workloads.getNode(),
          listed.getWorkload().getContainer().getRuntime(),
          listed.getWorkload().getContainer().getId(),
          listed.getState(),
          listed.getPid() == 0 ? "-" : Integer.toString(listed.getPid()),
          listed.getObstaclesCount() == 0
              ? "none"
              : listed.getObstaclesList().stream()
                  .map(Obstacle::getReason)
                  .distinct()
                  .collect(Collectors.joining(", ")));
    }
  }

  @Override
  public String toString() {
    return table.toString();
  }
}
