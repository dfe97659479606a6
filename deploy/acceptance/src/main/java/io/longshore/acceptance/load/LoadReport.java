package io.longshore.acceptance.load;

import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * What all connections saw together. Counts include the warm-up, times do not. {@code
 * client_downtime_ms} is the longest time between two successful answers on any one connection, the
 * client's pause between requests included.
 */
final class LoadReport {
  private static final List<Phase> TIMED = List.of(Phase.BEFORE, Phase.DURING, Phase.AFTER);

  private final List<LoadConnection> connections;

  /**
   * @param connections that have ended
   */
  LoadReport(List<LoadConnection> connections) {
    this.connections = List.copyOf(connections);
  }

  JsonObject toJson(double seconds) {
    JsonObject report = new JsonObject();
    report.addProperty("connections", connections.size());
    report.addProperty("requests", sum(LoadConnection::requests));
    report.addProperty("requests_failed", sum(LoadConnection::failed));
    report.addProperty("answers_wrong", sum(LoadConnection::wrong));
    report.addProperty("connections_lost", sum(connection -> connection.isLost() ? 1 : 0));
    connections.stream()
        .map(LoadConnection::firstError)
        .filter(Objects::nonNull)
        .findFirst()
        .ifPresent(error -> report.addProperty("first_error", error));
    long longest = 0;
    long timed = 0;
    JsonObject phases = new JsonObject();
    for (Phase phase : TIMED) {
      LatencyHistogram latencies = merged(connection -> connection.latencies(phase));
      LatencyHistogram gaps = merged(connection -> connection.gaps(phase));
      longest = Math.max(longest, gaps.most());
      timed += latencies.count();
      JsonObject figures = new JsonObject();
      figures.addProperty("requests", latencies.count());
      figures.addProperty("p50_ms", latencies.quantile(0.5) / 1e6);
      figures.addProperty("p99_ms", latencies.quantile(0.99) / 1e6);
      figures.addProperty("max_ms", latencies.most() / 1e6);
      figures.addProperty("longest_gap_ms", gaps.most() / 1e6);
      phases.add(phase.name().toLowerCase(Locale.ROOT), figures);
    }
    report.addProperty("client_downtime_ms", longest / 1e6);
    report.addProperty("requests_per_second", timed / seconds);
    report.add("phases", phases);
    return report;
  }

  private long sum(ToLongFunction<LoadConnection> figure) {
    return connections.stream().mapToLong(figure).sum();
  }

  private LatencyHistogram merged(Function<LoadConnection, LatencyHistogram> part) {
    LatencyHistogram all = new LatencyHistogram();
    connections.forEach(connection -> all.add(part.apply(connection)));
    return all;
  }
}
