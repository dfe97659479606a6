package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import com.google.protobuf.Duration;
import com.google.protobuf.util.Durations;
import io.longshore.acceptance.testbed.BenchWorkload.Cargo;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationResult;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * A way to move a workload.
 *
 * @param name in the results
 */
record BenchWay(String name, Mover mover) {
  private static final int PAGE = 4096;

  interface Mover {
    /** Moves from a to b; adds what it knows of it, {@code total_ms} at least. */
    void move(Testbed testbed, Cargo cargo, JsonObject row)
        throws IOException, InterruptedException;
  }

  /** Ours, then what CRIU alone can do. */
  static List<BenchWay> all() {
    return Stream.concat(
            Stream.of("stop-and-copy", "pre-copy", "post-copy", "hybrid", "auto")
                .map(BenchWay::ours),
            Stream.of(PlainCriu.Way.values()).map(BenchWay::plain))
        .toList();
  }

  private static BenchWay ours(String strategy) {
    return new BenchWay(
        "longshore " + strategy, (testbed, cargo, row) -> moveByUs(testbed, strategy, cargo, row));
  }

  private static BenchWay plain(PlainCriu.Way way) {
    return new BenchWay(
        way.toString(),
        (testbed, cargo, row) -> {
          if (cargo.isOfAnotherUser()) {
            row.addProperty("remark", "CRIU with task_limits.so preloaded");
          }
          row.addProperty("total_ms", new PlainCriu(testbed).move(way, cargo).toMillis());
        });
  }

  private static void moveByUs(Testbed testbed, String strategy, Cargo cargo, JsonObject row) {
    List<String> options = new ArrayList<>(List.of("--strategy", strategy));
    if (!cargo.address().isEmpty()) {
      options.addAll(List.of("--service-ip", cargo.address()));
    }
    Migration migration =
        testbed
            .longshore()
            .migrateSuccessfully(Move.of("a", "b", cargo.pid(), options.toArray(String[]::new)));
    MigrationResult result = migration.getResult();
    String chosen = migration.getSpec().getStrategy().name().substring("STRATEGY_".length());
    row.addProperty("strategy", chosen.toLowerCase(Locale.ROOT));
    row.addProperty("total_ms", Durations.toMillis(result.getTotalTime()));
    row.addProperty("memory_bytes", result.getMemoryBytes());
    row.addProperty("pages_sent", result.getPagesSent());
    row.addProperty("zero_pages", result.getZeroPages());
    // Once each would be no resend; what the images hold beside is some hundred pages.
    row.addProperty(
        "pages_resent",
        Math.max(
            0, result.getPagesSent() + result.getZeroPages() - result.getMemoryBytes() / PAGE));
    row.addProperty("rounds", result.getRounds());
    row.addProperty("stale_pages", result.getStalePages());
    row.addProperty("demand_faults", result.getDemandFaults());
    if (result.hasDemandFaultP50()) {
      row.addProperty("fault_p50_ms", millis(result.getDemandFaultP50()));
      row.addProperty("fault_p99_ms", millis(result.getDemandFaultP99()));
    }
    row.addProperty("reported_downtime_ms", millis(result.getDowntime()));
    if (result.hasPredictedDowntime()) {
      row.addProperty("predicted_downtime_ms", millis(result.getPredictedDowntime().getExpected()));
    }
  }

  private static double millis(Duration duration) {
    return Durations.toNanos(duration) / 1e6;
  }
}
