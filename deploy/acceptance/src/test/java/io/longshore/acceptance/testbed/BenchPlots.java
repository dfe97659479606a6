package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The results of {@link BenchRuns} as pictures: SVG, by the name of the file. */
final class BenchPlots {
  private static final int WIDTH = 900;
  private static final int LEFT = 270;
  private static final int RIGHT = 70;
  private static final int BAR = 16;
  private static final int TOP = 40;

  /** Ours and CRIU's. */
  private static final List<String> COLOURS = List.of("#2563a8", "#b0b4ba");

  private static final List<String> LINES =
      List.of(
          "#2563a8", "#d1495b", "#2e8b57", "#8e5ea2", "#e39d34", "#111111", "#777777", "#00a6a6",
          "#b5651d");

  private BenchPlots() {}

  static Map<String, String> of(List<JsonObject> rows) {
    Map<String, String> files = new LinkedHashMap<>();
    for (String link : rows.stream().map(row -> string(row, "link")).distinct().toList()) {
      List<JsonObject> of = rows.stream().filter(row -> string(row, "link").equals(link)).toList();
      files.put(
          "downtime-" + link + ".svg",
          bars("Downtime, ms, " + BenchTable.linkName(link), of, "downtime_ms", 1, true));
      files.put(
          "total-" + link + ".svg",
          bars("Total time, s, " + BenchTable.linkName(link), of, "total_ms", 1e-3, false));
      List<JsonObject> timed =
          of.stream()
              .filter(
                  row ->
                      row.has("answers_per_100_ms") && string(row, "workload").startsWith("Redis"))
              .toList();
      if (!timed.isEmpty()) {
        files.put("throughput-" + link + ".svg", lines(BenchTable.linkName(link), timed));
      }
    }
    return files;
  }

  /** Medians: a group for each workload, a bar for each way. */
  private static String bars(
      String title, List<JsonObject> rows, String name, double factor, boolean logarithmic) {
    Map<String, Map<String, List<JsonObject>>> groups = new LinkedHashMap<>();
    for (JsonObject row : rows) {
      if (row.has(name)) {
        groups
            .computeIfAbsent(string(row, "workload"), _ -> new LinkedHashMap<>())
            .computeIfAbsent(string(row, "way"), _ -> new ArrayList<>())
            .add(row);
      }
    }
    double most =
        rows.stream()
            .filter(row -> row.has(name))
            .mapToDouble(row -> row.get(name).getAsDouble() * factor)
            .max()
            .orElse(1);
    StringBuilder body = new StringBuilder();
    int y = TOP;
    for (var group : groups.entrySet()) {
      y += 8;
      text(body, 8, y + 12, "start", "bold", group.getKey());
      y += BAR + 4;
      for (var way : group.getValue().entrySet()) {
        double figure = BenchTable.median(BenchTable.figures(way.getValue(), name, factor));
        // On a logarithmic scale a bar begins at 1.
        double share =
            logarithmic
                ? Math.log10(Math.max(1, figure)) / Math.log10(Math.max(10, most))
                : figure / most;
        double length = Math.max(1, share * (WIDTH - LEFT - RIGHT));
        text(body, LEFT - 6, y + 12, "end", "normal", way.getKey());
        body.append(
            String.format(
                Locale.ROOT,
                "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>%n",
                LEFT,
                y + 1,
                length,
                BAR - 3,
                COLOURS.get(way.getKey().startsWith("longshore") ? 0 : 1)));
        text(
            body,
            (int) (LEFT + length) + 5,
            y + 12,
            "start",
            "normal",
            String.format(Locale.ROOT, figure < 10 ? "%.1f" : "%.0f", figure));
        y += BAR;
      }
    }
    return svg(title + (logarithmic ? " (logarithmic)" : ""), y + 12, body);
  }

  /** Requests answered a second over the first run of each way, from the migration's begin on. */
  private static String lines(String link, List<JsonObject> rows) {
    Map<String, JsonObject> first =
        rows.stream()
            .collect(
                Collectors.toMap(
                    row -> string(row, "way"), row -> row, (one, _) -> one, LinkedHashMap::new));
    int height = 360;
    double seconds = 0;
    double most = 1;
    for (JsonObject row : first.values()) {
      double[] rates = rates(row);
      seconds = Math.max(seconds, rates.length / 10.0);
      most = Math.max(most, Arrays.stream(rates).max().orElse(1));
    }
    int left = 60;
    double perSecond = (WIDTH - left - 20) / Math.max(1, seconds);
    StringBuilder body = new StringBuilder();
    for (int second = 0; second <= seconds; second += Math.max(1, (int) seconds / 10)) {
      text(body, (int) (left + second * perSecond), height + 16, "middle", "normal", second + " s");
    }
    text(body, left - 6, TOP + 12, "end", "normal", String.format(Locale.ROOT, "%.0f", most));
    text(body, left - 6, height, "end", "normal", "0");
    int index = 0;
    for (var way : first.entrySet()) {
      double[] rates = rates(way.getValue());
      StringBuilder points = new StringBuilder();
      for (int i = 0; i < rates.length; i++) {
        points.append(
            String.format(
                Locale.ROOT,
                "%.1f,%.1f ",
                left + i / 10.0 * perSecond,
                height - rates[i] / most * (height - TOP)));
      }
      String colour = LINES.get(index % LINES.size());
      body.append(
          "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.2\" points=\"%s\"/>%n"
              .formatted(colour, points.toString().strip()));
      int y = height + 40 + index * BAR;
      body.append(
          "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/>%n"
              .formatted(left, y - 6, colour));
      text(body, left + 20, y, "start", "normal", way.getKey());
      index++;
    }
    return svg(
        "%s: answers a second, the migration begins where each way's line is at %.0f s, %s"
            .formatted(
                string(rows.getFirst(), "workload"),
                rows.getFirst().get("during_begins_ms").getAsDouble() / 1e3,
                link),
        height + 40 + index * BAR,
        body);
  }

  private static double[] rates(JsonObject row) {
    return Arrays.stream(string(row, "answers_per_100_ms").split(",", -1))
        .mapToDouble(count -> 10 * Double.parseDouble(count))
        .toArray();
  }

  private static String svg(String title, int height, StringBuilder body) {
    StringBuilder svg = new StringBuilder();
    svg.append(
        """
        <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="%2$d" viewBox="0 0 %1$d %2$d" font-family="sans-serif" font-size="11">
        <rect width="100%%" height="100%%" fill="white"/>
        """
            .formatted(WIDTH, height));
    text(svg, 8, 22, "start", "bold", title);
    return svg.append(body).append("</svg>\n").toString();
  }

  private static void text(
      StringBuilder svg, int x, int y, String anchor, String weight, String text) {
    svg.append(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" font-weight=\"%s\">%s</text>%n"
            .formatted(x, y, anchor, weight, text.replace("&", "&amp;").replace("<", "&lt;")));
  }

  private static String string(JsonObject object, String name) {
    return object.get(name).getAsString();
  }
}
