package io.longshore.acceptance.load;

import com.google.gson.JsonObject;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * What all connections saw together. Counts include the warm-up, times do not. {@code
 * client_downtime_ms} is the longest time between two successful answers on any one connection, the
 * client's pause between requests included; {@code back_to_90_percent_ms} is from its end until the
 * throughput is 90 % of what it was before the migration, absent if it never is.
 */
final class LoadReport {
  private static final List<Phase> TIMED = List.of(Phase.BEFORE, Phase.DURING, Phase.AFTER);

  private final List<Answers> connections;
  private final Phases phases;

  /**
   * @param connections that have ended
   */
  LoadReport(List<Answers> connections, Phases phases) {
    this.connections = List.copyOf(connections);
    this.phases = phases;
  }

  /**
   * @param end of the run
   */
  JsonObject toJson(long end) {
    JsonObject report = new JsonObject();
    report.addProperty("connections", connections.size());
    report.addProperty("requests", sum(Answers::requests));
    report.addProperty("requests_failed", sum(Answers::failed));
    report.addProperty("answers_wrong", sum(Answers::answeredWrongly));
    report.addProperty("connections_lost", sum(connection -> connection.isLost() ? 1 : 0));
    connections.stream()
        .map(Answers::firstError)
        .filter(Objects::nonNull)
        .findFirst()
        .ifPresent(error -> report.addProperty("first_error", error));
    long timed = 0;
    JsonObject parts = new JsonObject();
    for (Phase phase : TIMED) {
      LatencyHistogram latencies = merged(connection -> connection.latencies(phase));
      LatencyHistogram gaps = merged(connection -> connection.gaps(phase));
      timed += latencies.count();
      double seconds =
          ((phase == Phase.AFTER
                      ? end - phases.origin()
                      : phases.beginOf(TIMED.get(TIMED.indexOf(phase) + 1), end))
                  - phases.beginOf(phase, end))
              / 1e9;
      JsonObject figures = new JsonObject();
      figures.addProperty("requests", latencies.count());
      figures.addProperty("requests_per_second", seconds > 0 ? latencies.count() / seconds : 0);
      figures.addProperty("p50_ms", latencies.quantile(0.5) / 1e6);
      figures.addProperty("p99_ms", latencies.quantile(0.99) / 1e6);
      figures.addProperty("max_ms", latencies.most() / 1e6);
      figures.addProperty("longest_gap_ms", gaps.most() / 1e6);
      parts.add(phase.name().toLowerCase(Locale.ROOT), figures);
    }
    long begin = phases.beginOf(Phase.BEFORE, end);
    report.addProperty(
        "requests_per_second", timed * 1e9 / Math.max(1, end - phases.origin() - begin));
    addDowntime(report, begin, end);
    report.add("phases", parts);
    return report;
  }

  private void addDowntime(JsonObject report, long begin, long end) {
    OverTime overTime = new OverTime();
    connections.forEach(connection -> overTime.add(connection.overTime()));
    connections.stream()
        .max(Comparator.comparingLong(Answers::longestGap))
        .ifPresent(
            worst -> {
              report.addProperty("client_downtime_ms", worst.longestGap() / 1e6);
              overTime
                  .backTo(0.9, begin, phases.beginOf(Phase.DURING, end), worst.longestGapEnd())
                  .ifPresent(
                      nanos -> report.addProperty("back_to_90_percent_ms", nanos / 1_000_000));
            });
    report.addProperty("answers_per_100_ms", overTime.from(begin));
    report.addProperty("during_begins_ms", (phases.beginOf(Phase.DURING, end) - begin) / 1_000_000);
  }

  private long sum(ToLongFunction<Answers> figure) {
    return connections.stream().mapToLong(figure).sum();
  }

  private LatencyHistogram merged(Function<Answers, LatencyHistogram> part) {
    LatencyHistogram all = new LatencyHistogram();
    connections.forEach(connection -> all.add(part.apply(connection)));
    return all;
  }
}
