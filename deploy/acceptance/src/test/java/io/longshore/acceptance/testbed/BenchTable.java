package io.longshore.acceptance.testbed;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * The results of {@link BenchRuns} for people: one table for each workload, a line for each way.
 */
final class BenchTable {
  private BenchTable() {}

  static String of(JsonObject results) {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # Benchmark
        Written by `deploy/bench matrix`. Each line is the median of its runs, in brackets the least and the most where there were several. *Downtime* is what
        clients saw, the longest time between two answers on any connection; of the process, how long nothing of it ran. *Total* is until nothing is left
        on a. *On the wire* is what a's interface sent, to the clients too. *CPU* is that of all on a host, workload and agents included.

        """);
    text.append(
        "%s, %s processors (%s), kernel %s, %s, Java %s, link %s, commit %s.\n"
            .formatted(
                string(results, "at").substring(0, 10),
                string(results, "processors"),
                string(results, "processor"),
                string(results, "kernel"),
                string(results, "criu"),
                string(results, "java"),
                string(results, "link"),
                string(results, "commit").substring(0, 12)));
    Map<String, Map<String, List<JsonObject>>> byWorkload = new LinkedHashMap<>();
    for (JsonElement element : results.getAsJsonArray("rows")) {
      JsonObject row = element.getAsJsonObject();
      byWorkload
          .computeIfAbsent(string(row, "workload"), _ -> new LinkedHashMap<>())
          .computeIfAbsent(string(row, "way"), _ -> new ArrayList<>())
          .add(row);
    }
    byWorkload.forEach(
        (workload, ways) -> {
          text.append("\n## ").append(workload).append('\n');
          text.append(
              """
              | | downtime ms | total s | on the wire MiB | CPU on a s | CPU on b s | sent in the freeze | remarks |
              |---|---|---|---|---|---|---|---|
              """);
          ways.forEach((way, rows) -> text.append(line(way, rows)));
        });
    return text.toString();
  }

  private static String line(String way, List<JsonObject> rows) {
    return "| %s | %s | %s | %s | %s | %s | %s | %s |%n"
        .formatted(
            way,
            median(rows, "downtime_ms", 1, "%.0f"),
            median(rows, "total_ms", 1e-3, "%.1f"),
            median(rows, "bytes_on_wire", 1.0 / (1 << 20), "%.0f"),
            median(rows, "cpu_a_s", 1, "%.1f"),
            median(rows, "cpu_b_s", 1, "%.1f"),
            share(rows),
            remarks(rows));
  }

  private static String median(List<JsonObject> rows, String name, double factor, String format) {
    double[] figures =
        rows.stream()
            .filter(row -> row.has(name))
            .mapToDouble(row -> row.get(name).getAsDouble() * factor)
            .sorted()
            .toArray();
    if (figures.length == 0) {
      return "";
    }
    String middle = String.format(Locale.ROOT, format, figures[figures.length / 2]);
    return figures.length == 1
        ? middle
        : "%s (%s to %s)"
            .formatted(
                middle,
                String.format(Locale.ROOT, format, figures[0]),
                String.format(Locale.ROOT, format, figures[figures.length - 1]));
  }

  /** Of the pages with content, those that were stale when it was frozen. */
  private static String share(List<JsonObject> rows) {
    OptionalDouble share =
        rows.stream()
            .filter(row -> row.has("stale_pages") && row.get("rounds").getAsInt() > 0)
            .mapToDouble(
                row ->
                    100
                        * row.get("stale_pages").getAsDouble()
                        / (row.get("memory_bytes").getAsDouble() / 4096))
            .max();
    return share.isPresent() ? String.format(Locale.ROOT, "%.1f %%", share.getAsDouble()) : "";
  }

  private static String remarks(List<JsonObject> rows) {
    List<String> remarks = new ArrayList<>();
    for (JsonObject row : rows) {
      if (row.has("failed")) {
        remarks.add("failed: " + string(row, "failed").replace('|', '/'));
      }
      for (String name :
          List.of("requests_failed", "answers_wrong", "connections_lost", "keys_wrong")) {
        if (row.has(name) && row.get(name).getAsLong() != 0) {
          remarks.add(string(row, name) + " " + name.replace('_', ' '));
        }
      }
    }
    JsonObject first = rows.getFirst();
    if (first.has("strategy") && string(first, "way").endsWith("auto")) {
      remarks.add("chose " + string(first, "strategy").replace('_', '-'));
    }
    return String.join("; ", remarks);
  }

  private static String string(JsonObject object, String name) {
    return object.get(name).getAsString();
  }
}
