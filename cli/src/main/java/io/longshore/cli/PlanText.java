package io.longshore.cli;

import io.longshore.v1.MigrationPlan;
import io.longshore.v1.Obstacle;
import io.longshore.v1.WorkloadSummary;

/** A plan for people. */
final class PlanText {
  private PlanText() {}

  static String of(MigrationPlan plan) {
    StringBuilder text = new StringBuilder();
    text.append(Words.of(plan.getSpec())).append('\n');
    Table facts = new Table("  ");
    if (plan.hasWorkload()) {
      WorkloadSummary workload = plan.getWorkload();
      facts
          .row("command", workload.getCommand())
          .row("processes", workload.getProcesses() + " with " + workload.getThreads() + " threads")
          .row(
              "memory",
              "%s private, %s shared"
                  .formatted(
                      Quantity.bytes(workload.getPrivateBytes()),
                      Quantity.bytes(workload.getSharedBytes())))
          .row("connections", Integer.toString(workload.getTcpConnections()));
    }
    if (plan.getSpec().getServiceAddressesCount() > 0) {
      facts.row("moves too", String.join(", ", plan.getSpec().getServiceAddressesList()));
    }
    if (!plan.getStrategyReason().isEmpty()) {
      facts.row("strategy", plan.getStrategyReason());
    }
    text.append(facts);
    if (plan.getObstaclesCount() == 0) {
      return text.append("Nothing stands in the way.\n").toString();
    }
    text.append("In the way:\n");
    for (Obstacle obstacle : plan.getObstaclesList()) {
      text.append("  ").append(ProblemText.of(obstacle));
    }
    return text.toString();
  }
}
