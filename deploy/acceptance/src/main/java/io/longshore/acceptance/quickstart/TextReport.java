package io.longshore.acceptance.quickstart;

import com.google.errorprone.annotations.FormatMethod;
import com.google.gson.JsonObject;
import java.util.Locale;

/** The report for people. */
final class TextReport {
  private static final double MIB = 1 << 20;

  private TextReport() {}

  static String of(Outcome outcome, JsonObject fill) {
    StringBuilder text = new StringBuilder();
    line(text, "");
    line(
        text,
        "A Redis was moved from host a to host b by %s while it was used.",
        outcome.strategy());
    line(text, "");
    line(
        text,
        "  On host a     %,d keys were written through the service address",
        count(fill, "keys"));
    line(
        text,
        "  On client     %d connections read and wrote, %,.0f requests a second, and checked every answer",
        count(outcome.load(), "connections"),
        outcome.load().get("requests_per_second").getAsDouble());
    line(
        text,
        "  The memory    %,.0f MiB moved in %,.0f ms in all, %,.0f MiB on the wire",
        outcome.number("memoryBytes") / MIB,
        outcome.millis("totalTime"),
        outcome.number("bytesOnWire") / MIB);
    line(
        text,
        "  The process   stood still for %,.0f ms: frozen and described in %,.0f ms, restored in %,.0f ms",
        outcome.millis("downtime"),
        outcome.millis("freezeTime"),
        outcome.millis("restoreTime"));
    line(
        text,
        "  Pages         %,d sent, %,d found zero and not sent, %,d fetched because they were asked for",
        outcome.number("pagesSent"),
        outcome.number("zeroPages"),
        outcome.number("demandFaults"));
    line(text, "");
    line(text, "What the clients saw");
    line(
        text,
        "  longest silence on any connection   %,.0f ms",
        outcome.load().get("client_downtime_ms").getAsDouble());
    line(
        text,
        "  requests                            %,d, of which failed: %,d",
        count(outcome.load(), "requests"),
        count(outcome.load(), "requests_failed"));
    line(
        text,
        "  connections lost                    %,d",
        count(outcome.load(), "connections_lost"));
    line(
        text,
        "  keys read back and compared         %,d, of which wrong: %,d",
        count(outcome.check(), "keys_checked"),
        count(outcome.check(), "keys_wrong"));
    line(text, "  bytes written to disks by a and b   %,d", outcome.imageBytesOnDisk());
    line(text, "");
    line(text, "Time to an answer, in ms             requests       p50       p99   longest");
    JsonObject phases = outcome.load().getAsJsonObject("phases");
    for (String phase : phases.keySet()) {
      JsonObject figures = phases.getAsJsonObject(phase);
      line(
          text,
          "  %-32s %10d %9.3f %9.3f %9.3f",
          phase + " the migration",
          count(figures, "requests"),
          figures.get("p50_ms").getAsDouble(),
          figures.get("p99_ms").getAsDouble(),
          figures.get("max_ms").getAsDouble());
    }
    line(text, "");
    return text.toString();
  }

  private static long count(JsonObject object, String field) {
    return object.get(field).getAsLong();
  }

  @FormatMethod
  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
