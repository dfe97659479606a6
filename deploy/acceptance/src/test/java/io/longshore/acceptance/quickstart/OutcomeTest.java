package io.longshore.acceptance.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OutcomeTest {
  private static final String MIGRATION =
      """
      {"spec": {"strategy": "STRATEGY_POST_COPY"}, "state": "STATE_SUCCEEDED", "result": {
        "downtime": "0.182s", "totalTime": "1.050400s", "memoryBytes": "1100000000", "bytesOnWire": "1100400000",
        "freezeTime": "0.100s", "restoreTime": "0.040s", "pagesSent": "268000"}}
      """;
  private static final String LOAD =
      """
      {"connections": 20, "requests": 1000, "requests_failed": 0, "answers_wrong": 0, "connections_lost": 0,
       "client_downtime_ms": 190.5, "requests_per_second": 8000.1,
       "phases": {"before": {"requests": 1, "p50_ms": 0.1, "p99_ms": 1.0, "max_ms": 1.0, "longest_gap_ms": 2.0}}}
      """;
  private static final Set<String> THERE = Set.of("process", "address");

  @Test
  void printsWhatWasAgreed() {
    assertThat(outcome(LOAD, 0, 0, Set.of(), THERE).toJson().toString())
        .isEqualTo(
            "{\"strategy\":\"post-copy\",\"memory_bytes\":1100000000,\"client_downtime_ms\":190.5,"
                + "\"total_ms\":1050.4,\"bytes_on_wire\":1100400000,\"requests\":1000,\"requests_failed\":0,"
                + "\"connections_lost\":0,\"keys_checked\":500,\"keys_wrong\":0,\"image_bytes_on_disk\":0}");
    assertThat(outcome(LOAD, 0, 0, Set.of(), THERE).problems()).isEmpty();
  }

  @Test
  void findsFaultWithWhatIsLostOrWrong() {
    assertThat(
            outcome(LOAD.replace("failed\": 0", "failed\": 1"), 0, 0, Set.of(), THERE).problems())
        .containsExactly("requests_failed is 1");
    assertThat(outcome(LOAD.replace("lost\": 0", "lost\": 2"), 0, 0, Set.of(), THERE).problems())
        .containsExactly("connections_lost is 2");
    assertThat(outcome(LOAD, 3, 0, Set.of(), THERE).problems()).containsExactly("keys_wrong is 3");
  }

  @Test
  void findsFaultWithImagesOnDisk() {
    assertThat(outcome(LOAD, 0, 4096, Set.of(), THERE).problems()).hasSize(1);
    assertThat(outcome(LOAD, 0, 4096, Set.of(), THERE).imageBytesOnDisk()).isEqualTo(4096);
  }

  @Test
  void onlyAJournalMayBeOnADisk() {
    String journal = "/var/lib/longshore/source/m-1.journal";
    assertThat(written(1, 700, journal).imageBytesOnDisk()).isZero();
    assertThat(written(1, 700, journal + " (deleted)").imageBytesOnDisk()).isZero();
    assertThat(written(2, 700, journal).imageBytesOnDisk()).as("a name is missing").isEqualTo(700);
    assertThat(written(1, 70_000, journal).imageBytesOnDisk()).as("large").isEqualTo(70_000);
    assertThat(written(1, 700, "/var/lib/longshore/source/pages-1.img").imageBytesOnDisk())
        .isEqualTo(700);
    assertThat(written(2, 700, journal, "/tmp/a.journal").problems()).hasSize(1);
  }

  @Test
  void findsFaultWithARedisThatIsNotWhereItShouldBe() {
    assertThat(outcome(LOAD, 0, 0, Set.of("address"), THERE).problems()).hasSize(1);
    assertThat(outcome(LOAD, 0, 0, Set.of(), Set.of("process")).problems()).hasSize(1);
  }

  @Test
  void tellsPeopleToo() {
    JsonObject fill = JsonParser.parseString("{\"keys\":844000}").getAsJsonObject();
    assertThat(TextReport.of(outcome(LOAD, 0, 0, Set.of(), THERE), fill))
        .contains("by post-copy", "1,049 MiB moved in 1,050 ms", "191 ms", "844,000 keys");
  }

  private static Outcome outcome(
      String load, long wrong, long diskBytes, Set<String> onA, Set<String> onB) {
    return outcome(load, wrong, disk(1, diskBytes, "/images/pages-1.img"), onA, onB);
  }

  private static Outcome written(int files, long bytes, String... names) {
    return outcome(LOAD, 0, disk(files, bytes, names), Set.of(), THERE);
  }

  private static JsonObject disk(int files, long bytes, String... names) {
    JsonObject disk = new JsonObject();
    disk.addProperty("files", files);
    disk.addProperty("bytes", bytes);
    JsonArray array = new JsonArray();
    List.of(names).forEach(array::add);
    disk.add("names", array);
    return disk;
  }

  private static Outcome outcome(
      String load, long wrong, JsonObject diskOfA, Set<String> onA, Set<String> onB) {
    return new Outcome(
        JsonParser.parseString(MIGRATION).getAsJsonObject(),
        JsonParser.parseString(load).getAsJsonObject(),
        JsonParser.parseString("{\"keys_checked\": 500, \"keys_wrong\": " + wrong + "}")
            .getAsJsonObject(),
        diskOfA,
        disk(0, 0),
        onA,
        onB);
  }
}
