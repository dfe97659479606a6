package io.longshore.cli;

import io.longshore.platform.error.Reason;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationResult;
import io.longshore.v1.Progress;
import io.longshore.v1.Strategy;
import io.longshore.v1.Waiting;

/** A migration for people. */
final class MigrationText {
  private static final long PAGE_BYTES = 4096;

  private MigrationText() {}

  /** Where it stands, what it measured or why it failed. */
  static String of(Migration migration) {
    StringBuilder text = new StringBuilder();
    text.append(
        "Migration %s %s: %s\n"
            .formatted(migration.getId(), verb(migration), Words.of(migration.getSpec())));
    if (migration.hasError()) {
      text.append("  ").append(ProblemText.of(migration.getError()).replace("\n    ", "\n      "));
    }
    Table facts = new Table("  ");
    Strategy asked = migration.getRequestedStrategy();
    if (asked != Strategy.STRATEGY_UNSPECIFIED && asked != migration.getSpec().getStrategy()) {
      facts.row("asked for", Words.of(asked) + ": its rounds did not converge");
    }
    if (migration.hasResult()) {
      addResult(facts, migration.getResult());
    } else if (!migration.getDone() && migration.getProgress().getTotalBytes() > 0) {
      Progress progress = migration.getProgress();
      facts.row(
          "moved",
          Quantity.bytes(progress.getMovedBytes())
              + " of "
              + Quantity.bytes(progress.getTotalBytes())
              + (progress.getLinkCut() ? ", waiting for the link between the nodes" : "")
              + (progress.getThrottledPercent() == 0
                  ? ""
                  : ", slowed to " + progress.getThrottledPercent() + " % of its processor time"));
    }
    for (Waiting waiting : migration.getWaitingList()) {
      facts.row("waits", WaitingText.of(waiting));
    }
    String decision = WaitingText.decision(migration);
    if (!decision.isEmpty()) {
      facts.row("decide", decision);
    }
    if (!migration.getDone() && migration.getMaxBandwidth() > 0) {
      facts.row("at most", Bandwidth.text(migration.getMaxBandwidth()));
    }
    if (migration.getAbandonedNodePending()) {
      facts.row("abandoned", abandonedNode(migration) + " has yet to be told: keep it off");
    }
    if (!migration.getTraceId().isEmpty()) {
      facts.row("trace", migration.getTraceId());
    }
    return text.append(facts).toString();
  }

  private static void addResult(Table facts, MigrationResult result) {
    facts.row("downtime", Quantity.duration(result.getDowntime()));
    if (result.hasPredictedDowntime()) {
      facts.row("predicted", Quantity.estimate(result.getPredictedDowntime()));
    }
    facts
        .row("freeze", Quantity.duration(result.getFreezeTime()))
        .row("restore", Quantity.duration(result.getRestoreTime()))
        .row("total", Quantity.duration(result.getTotalTime()))
        .row("memory", Quantity.bytes(result.getMemoryBytes()))
        .row("bytes on wire", Quantity.bytes(result.getBytesOnWire()))
        .row("rounds", Integer.toString(result.getRounds()))
        .row("stale at freeze", Quantity.bytes(result.getStalePages() * PAGE_BYTES))
        .row("pages sent", Long.toString(result.getPagesSent()))
        .row("zero pages", Long.toString(result.getZeroPages()))
        .row("demand faults", demandFaults(result))
        .row("image bytes", Quantity.bytes(result.getImageBytes()));
  }

  private static String demandFaults(MigrationResult result) {
    return result.getDemandFaults()
        + (result.hasDemandFaultP50()
            ? ", waited for %s, 99 %% of them for %s at most"
                .formatted(
                    Quantity.fine(result.getDemandFaultP50()),
                    Quantity.fine(result.getDemandFaultP99()))
            : "");
  }

  private static String abandonedNode(Migration migration) {
    return switch (migration.getResolution()) {
      case RESOLUTION_ABANDON_TARGET -> migration.getSpec().getTargetNode();
      case RESOLUTION_ABANDON_SOURCE -> migration.getSpec().getSourceNode();
      case RESOLUTION_UNSPECIFIED, UNRECOGNIZED -> "a node";
    };
  }

  private static String verb(Migration migration) {
    String source = migration.getSpec().getSourceNode();
    return switch (migration.getState()) {
      case STATE_SUCCEEDED -> "succeeded";
      case STATE_FAILED ->
          migration.getError().getReason().equals(Reason.WORKLOAD_LOST.name())
              ? "failed"
              : migration.getError().getReason().equals(Reason.TARGET_ABANDONED.name())
                  ? "failed, the workload runs on " + source + ", from where it was frozen"
                  : "failed, the workload runs on " + source + " as before";
      case STATE_CANCELLED -> "was cancelled, the workload runs on " + source + " as before";
      case STATE_UNSPECIFIED,
          STATE_PENDING,
          STATE_PREPARING,
          STATE_COPYING,
          STATE_FREEZING,
          STATE_TRANSFERRING,
          STATE_RESTORING,
          STATE_RESUMING,
          STATE_PUSHING,
          STATE_RELEASING,
          STATE_ROLLING_BACK,
          UNRECOGNIZED ->
          "is " + Words.of(migration.getState());
    };
  }
}
