package io.longshore.acceptance.quickstart;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What came of a quickstart.
 *
 * @param migration the finished Migration, as protobuf's JSON
 * @param load what the load client reported
 * @param check what reading all keys back reported
 * @param diskOfA what host a wrote to files on disks while it migrated, as
 *     deploy/workloads/disk_writes.c counts it
 * @param diskOfB the same of host b
 * @param onA what of "process" and "address" was found on host a afterwards
 * @param onB the same of host b
 */
record Outcome(
    JsonObject migration,
    JsonObject load,
    JsonObject check,
    JsonObject diskOfA,
    JsonObject diskOfB,
    Set<String> onA,
    Set<String> onB) {
  private static final Pattern JOURNAL =
      Pattern.compile("/var/lib/longshore/source/[a-z0-9-]+\\.(journal|new)( \\(deleted\\))?");
  private static final long JOURNAL_BYTES = 8192;

  Outcome {
    onA = Set.copyOf(onA);
    onB = Set.copyOf(onB);
  }

  /** The object that deploy/quickstart --json prints. */
  JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("strategy", strategy());
    json.addProperty("memory_bytes", number("memoryBytes"));
    json.add("client_downtime_ms", load.get("client_downtime_ms"));
    json.addProperty("total_ms", millis("totalTime"));
    json.addProperty("bytes_on_wire", number("bytesOnWire"));
    json.add("requests", load.get("requests"));
    json.add("requests_failed", load.get("requests_failed"));
    json.add("connections_lost", load.get("connections_lost"));
    json.add("keys_checked", check.get("keys_checked"));
    json.add("keys_wrong", check.get("keys_wrong"));
    json.addProperty("image_bytes_on_disk", imageBytesOnDisk());
    return json;
  }

  String strategy() {
    return migration
        .getAsJsonObject("spec")
        .get("strategy")
        .getAsString()
        .replaceFirst("^STRATEGY_", "")
        .replace('_', '-')
        .toLowerCase(Locale.ROOT);
  }

  /**
   * A figure of the migration's result; protobuf leaves zeros out and writes 64-bit numbers as
   * strings.
   */
  long number(String field) {
    JsonElement value = result().get(field);
    return value == null ? 0 : value.getAsLong();
  }

  /** A duration of the migration's result. */
  double millis(String field) {
    JsonElement value = result().get(field);
    return value == null ? 0 : durationOf(value.getAsString()).toNanos() / 1e6;
  }

  /**
   * All that was written to files on disks, logs aside: it is not asked whether it was an image.
   * Only the source-agent's journals do not count, which are known by their names and too small to
   * be anything else.
   */
  long imageBytesOnDisk() {
    return countedBytes(diskOfA) + countedBytes(diskOfB);
  }

  private static long countedBytes(JsonObject disk) {
    long bytes = disk.get("bytes").getAsLong();
    JsonArray names = disk.getAsJsonArray("names");
    boolean journalsOnly =
        names.size() == disk.get("files").getAsInt()
            && bytes <= JOURNAL_BYTES
            && names.asList().stream()
                .allMatch(name -> JOURNAL.matcher(name.getAsString()).matches());
    return journalsOnly ? 0 : bytes;
  }

  /** What must not be. Empty if all was right. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    if (!migration.has("result")) {
      problems.add("the migration has no result: " + migration);
    }
    noneOf(problems, load, "requests_failed");
    noneOf(problems, load, "answers_wrong");
    noneOf(problems, load, "connections_lost");
    noneOf(problems, check, "keys_wrong");
    if (load.get("requests").getAsLong() == 0 || check.get("keys_checked").getAsLong() == 0) {
      problems.add("nothing was asked of Redis, or nothing was checked");
    }
    if (imageBytesOnDisk() != 0) {
      problems.add("files were written to disks: " + diskOfA + " on a, " + diskOfB + " on b");
    }
    if (!onA.isEmpty()) {
      problems.add("still on a: " + String.join(" and ", onA));
    }
    if (!onB.equals(Set.of("process", "address"))) {
      problems.add("on b there should be a process and its address, there is: " + onB);
    }
    return List.copyOf(problems);
  }

  private static void noneOf(List<String> problems, JsonObject report, String field) {
    long count = report.get(field).getAsLong();
    if (count != 0) {
      JsonElement error = report.get("first_error");
      problems.add(field + " is " + count + (error == null ? "" : ": " + error.getAsString()));
    }
  }

  private JsonObject result() {
    return migration.has("result") ? migration.getAsJsonObject("result") : new JsonObject();
  }

  private static Duration durationOf(String seconds) {
    return Duration.ofNanos(
        new BigDecimal(seconds.replaceFirst("s$", "")).movePointRight(9).longValueExact());
  }
}
