package io.longshore.cli;

import io.longshore.v1.MemorySizes;
import io.longshore.v1.MigrationPlan;
import io.longshore.v1.Obstacle;
import io.longshore.v1.Prediction;
import io.longshore.v1.WorkloadProfile;
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
    if (plan.hasProfile()) {
      addProfile(facts, plan.getProfile());
    }
    if (plan.hasLink()) {
      facts.row(
          "link",
          "%s, round trip %s"
              .formatted(
                  Quantity.rate(plan.getLink().getBytesPerSecond()),
                  Quantity.fine(plan.getLink().getRoundTripTime())));
    }
    if (plan.getSpec().getServiceAddressesCount() > 0) {
      facts.row("moves too", String.join(", ", plan.getSpec().getServiceAddressesList()));
    }
    if (!plan.getStrategyReason().isEmpty()) {
      facts.row("strategy", plan.getStrategyReason());
    }
    plan.getNotesList().forEach(note -> facts.row("not known", note));
    text.append(facts);
    if (plan.getPredictionsCount() > 0) {
      text.append(predictions(plan));
    }
    if (plan.getObstaclesCount() == 0) {
      return text.append("Nothing stands in the way.\n").toString();
    }
    text.append("In the way:\n");
    for (Obstacle obstacle : plan.getObstaclesList()) {
      text.append("  ").append(ProblemText.of(obstacle));
    }
    return text.toString();
  }

  private static void addProfile(Table facts, WorkloadProfile profile) {
    MemorySizes sizes = profile.getSizes();
    facts
        .row(
            "in pages",
            "%s, %s of it zeros, %s never touched"
                .formatted(
                    Quantity.bytes(sizes.getPageBytes()),
                    Quantity.share(profile.getZeroShare()),
                    Quantity.bytes(sizes.getUntouchedBytes())))
        .row(
            "in images",
            "%s of files, %s shared, %s locked"
                .formatted(
                    Quantity.bytes(sizes.getFilePrivateBytes()),
                    Quantity.bytes(sizes.getSharedBytes()),
                    Quantity.bytes(sizes.getLockedBytes())))
        .row("dirty rate", Quantity.rate(profile.getDirtyRate()))
        .row("working set", Quantity.bytes(profile.getWorkingSetBytes()))
        .row("compressible", "to " + Quantity.share(profile.getCompressedShare()))
        .row("tracker", profile.getTracker());
  }

  private static String predictions(MigrationPlan plan) {
    Table table = new Table("  ").row("", "downtime", "in all", "on the wire", "rounds");
    for (Prediction each : plan.getPredictionsList()) {
      table.row(
          Words.of(each.getStrategy()),
          Quantity.estimate(each.getDowntime()),
          Quantity.duration(each.getTotalTime().getExpected()),
          Quantity.bytes(each.getBytesOnWire()),
          each.getRounds() == 0
              ? "-"
              : each.getRounds() + (each.getConverges() ? "" : ", may not converge"));
    }
    String from =
        plan.getPastMigrations() == 0
            ? "none between these nodes, so times are from elsewhere"
            : plan.getPastMigrations() + " between these nodes";
    return "Predicted (earlier migrations: " + from + "):\n" + table;
  }
}
