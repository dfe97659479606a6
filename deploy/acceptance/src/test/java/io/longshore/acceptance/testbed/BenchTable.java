package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The results of {@link BenchRuns} for people: for each workload and link two tables, a line for
 * each way.
 */
final class BenchTable {
  private static final double MIB = 1 << 20;
  private static final int PAGE = 4096;

  private static final String HEAD =
      """
      # Benchmark
      Written by `deploy/bench matrix`, from `matrix.json`, which has every run. Of several runs it is the median, in brackets the 95th percentile. What fell short or
      failed is in it.

      *Downtime* is what clients saw, the longest time between two answers on any connection; of a workload without clients, how long nothing of it ran. *Total* is until
      nothing is left on a. *On the wire* is what a's interface sent, to clients too. *Sent again* are pages that were sent more than once; *in the freeze* those that
      were stale when it was frozen, of all. *Throughput* and *p99*, the 99th percentile of latency, are those before, during and after the migration; *back* is from the
      end of the downtime until the throughput is 90 % of what it was before. *Fault* is how long the workload waited for a page that was still on a, median and 99th
      percentile. *CPU* is seconds for each GiB of the workload, of all on a host, workload and agents included. *Memory* is the most that a host used beyond what it used
      before, on b beyond the workload itself too. *To disk* is what was written to files on disks.

      """;

  private BenchTable() {}

  /**
   * @param plots names of files
   */
  static String of(List<JsonObject> rows, Iterable<String> plots) {
    StringBuilder text = new StringBuilder(HEAD);
    Map<String, Map<String, List<JsonObject>>> groups = new LinkedHashMap<>();
    for (JsonObject row : rows) {
      groups
          .computeIfAbsent(
              string(row, "workload") + ", " + linkName(string(row, "link")),
              _ -> new LinkedHashMap<>())
          .computeIfAbsent(string(row, "way"), _ -> new ArrayList<>())
          .add(row);
    }
    for (String machine : distinct(rows, "machine")) {
      text.append("- ").append(machine).append('\n');
    }
    text.append('\n');
    plots.forEach(plot -> text.append("![%1$s](%1$s)\n".formatted(plot)));
    groups.forEach(
        (title, ways) -> {
          List<JsonObject> all = ways.values().stream().flatMap(List::stream).toList();
          text.append("\n## ").append(title).append('\n');
          text.append(
              """

              | | runs | downtime ms | total s | on the wire MiB | sent again | in the freeze | CPU a s/GiB | CPU b s/GiB | memory a MiB | memory b MiB | to disk MiB | remarks |
              |---|---|---|---|---|---|---|---|---|---|---|---|---|
              """);
          ways.forEach((way, runs) -> text.append(line(way, runs)));
          if (all.stream().anyMatch(row -> row.has("load") || row.has("fault_p50_ms"))) {
            text.append(
                """

                | | throughput 1/s | p99 ms | back s | fault ms |
                |---|---|---|---|---|
                """);
            ways.forEach((way, runs) -> text.append(loadLine(way, runs)));
          }
          text.append(
              "\nMeasured %s at commit %s.\n"
                  .formatted(
                      all.stream()
                          .map(row -> string(row, "at").substring(0, 10))
                          .distinct()
                          .sorted()
                          .collect(Collectors.joining(", ")),
                      all.stream()
                          .map(row -> string(row, "commit").substring(0, 12))
                          .distinct()
                          .collect(Collectors.joining(", "))));
        });
    return text.toString();
  }

  /** What deploy/bench tracking measured. */
  static String ofTracking(JsonObject tracking) {
    List<JsonObject> runs = new ArrayList<>();
    tracking.getAsJsonArray("runs").forEach(run -> runs.add(run.getAsJsonObject()));
    return """

    ## Tracking
    What rounds cost a workload that overwrites pages as fast as it can, alone on its processor: %s %% of its throughput, of %d runs. Measured %s at commit %s.
    """
        .formatted(
            of(runs, "cost_percent", 1, "%.1f"),
            runs.size(),
            string(tracking, "at").substring(0, 10),
            string(tracking, "commit").substring(0, 12));
  }

  static String linkName(String link) {
    return link.equals("none")
        ? "unshaped link"
        : link.replace("gbit", " Gbit/s").replace("mbit", " Mbit/s").replace("kbit", " kbit/s");
  }

  private static Set<String> distinct(List<JsonObject> rows, String name) {
    return rows.stream()
        .map(row -> string(row, name))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String line(String way, List<JsonObject> rows) {
    return cells(
        way,
        "" + rows.size(),
        of(rows, "downtime_ms", 1, "%.0f"),
        of(rows, "total_ms", 1e-3, "%.1f"),
        of(rows, "bytes_on_wire", 1 / MIB, "%.0f"),
        of(rows, "pages_resent", 1, "%.0f"),
        share(rows),
        perGibibyte(rows, "cpu_a_s"),
        perGibibyte(rows, "cpu_b_s"),
        of(rows, "peak_memory_a_bytes", 1 / MIB, "%.0f"),
        of(rows, "peak_memory_b_bytes", 1 / MIB, "%.0f"),
        of(rows, "bytes_to_disk", 1 / MIB, "%.0f"),
        remarks(rows));
  }

  private static String loadLine(String way, List<JsonObject> rows) {
    return cells(
        way,
        phases(rows, "requests_per_second", "%.0f"),
        phases(rows, "p99_ms", "%.1f"),
        of(rows, "back_to_90_percent_ms", 1e-3, "%.1f"),
        Stream.of("fault_p50_ms", "fault_p99_ms")
            .map(name -> median(figures(rows, name, 1), "%.2f"))
            .filter(text -> !text.isEmpty())
            .collect(Collectors.joining(" / ")));
  }

  private static String cells(String... cells) {
    return "| " + String.join(" | ", cells) + " |\n";
  }

  private static String phases(List<JsonObject> rows, String name, String format) {
    List<String> medians =
        Stream.of("before", "during", "after")
            .map(
                phase ->
                    rows.stream()
                        .filter(row -> row.has("load"))
                        .map(row -> row.getAsJsonObject("load").getAsJsonObject(phase))
                        .toList())
            .map(figures -> median(figures(figures, name, 1), format))
            .toList();
    return medians.contains("") ? "" : String.join(" / ", medians);
  }

  static double[] figures(List<JsonObject> rows, String name, double factor) {
    return rows.stream()
        .filter(row -> row.has(name))
        .mapToDouble(row -> row.get(name).getAsDouble() * factor)
        .sorted()
        .toArray();
  }

  private static String perGibibyte(List<JsonObject> rows, String name) {
    return text(
        rows.stream()
            .filter(row -> row.has(name) && row.has("workload_bytes"))
            .mapToDouble(
                row ->
                    row.get(name).getAsDouble()
                        / (row.get("workload_bytes").getAsDouble() / (1 << 30)))
            .sorted()
            .toArray(),
        "%.1f");
  }

  private static String of(List<JsonObject> rows, String name, double factor, String format) {
    return text(figures(rows, name, factor), format);
  }

  /** The median and the 95th percentile. */
  private static String text(double[] figures, String format) {
    return figures.length < 2
        ? median(figures, format)
        : "%s (%s)"
            .formatted(
                median(figures, format),
                format(format, figures[(int) Math.ceil(0.95 * figures.length) - 1]));
  }

  private static String median(double[] sorted, String format) {
    return sorted.length == 0 ? "" : format(format, median(sorted));
  }

  /** Of at least one. */
  static double median(double[] sorted) {
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  private static String format(String format, double figure) {
    return String.format(Locale.ROOT, format, figure);
  }

  private static String share(List<JsonObject> rows) {
    double[] shares =
        rows.stream()
            .filter(row -> row.has("stale_pages") && row.get("rounds").getAsInt() > 0)
            .mapToDouble(
                row ->
                    100
                        * row.get("stale_pages").getAsDouble()
                        / (row.get("memory_bytes").getAsDouble() / PAGE))
            .sorted()
            .toArray();
    return shares.length == 0 ? "" : text(shares, "%.1f") + " %";
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
      if (row.has("remark")) {
        remarks.add(string(row, "remark"));
      }
      if (row.has("strategy") && string(row, "way").endsWith("auto")) {
        remarks.add("chose " + string(row, "strategy").replace('_', '-'));
      }
      if (row.has("answers_per_100_ms") && !row.has("back_to_90_percent_ms")) {
        remarks.add("not back to 90 % of the throughput while it was watched");
      }
    }
    return remarks.stream().distinct().collect(Collectors.joining("; "));
  }

  private static String string(JsonObject object, String name) {
    return object.get(name).getAsString();
  }
}
