package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Without a testbed. */
class BenchResultsTest {
  @TempDir private Path folder;

  @Test
  void aRowThatIsMeasuredAgainReplacesTheOlderAndOthersStay() throws IOException {
    new BenchResults(folder).put(row("hybrid", 1, "'downtime_ms': 100"));
    new BenchResults(folder).put(row("hybrid", 2, "'downtime_ms': 200"));
    BenchResults results = new BenchResults(folder);
    results.put(row("hybrid", 1, "'downtime_ms': 300"));
    assertThat(new BenchResults(folder).rows())
        .extracting(row -> row.get("downtime_ms").getAsInt())
        .containsExactly(300, 200);
    // The median of two is between them.
    assertThat(table()).contains("| hybrid | 2 | 250 (300) |");
  }

  @Test
  void whatFailedOrFellShortIsInTheTable() throws IOException {
    BenchResults results = new BenchResults(folder);
    results.put(row("hybrid", 1, "'failed': 'it broke', 'keys_wrong': 3"));
    assertThat(table()).contains("failed: it broke; 3 keys wrong |");
  }

  @Test
  void plotsWhatThereIs() throws IOException {
    BenchResults results = new BenchResults(folder);
    results.put(
        row(
            "hybrid",
            1,
            "'downtime_ms': 100, 'total_ms': 2000, 'answers_per_100_ms': '5,0,5', 'during_begins_ms': 100"));
    assertThat(Files.readString(folder.resolve("downtime-1gbit.svg"))).contains(">hybrid<");
    assertThat(Files.readString(folder.resolve("throughput-1gbit.svg"))).contains("<polyline");
    assertThat(table()).contains("(downtime-1gbit.svg)", "(total-1gbit.svg)");
  }

  private String table() throws IOException {
    return Files.readString(folder.resolve("matrix.md"));
  }

  private static JsonObject row(String way, int run, String figures) {
    return JsonParser.parseString(
            """
            {'link': '1gbit', 'workload': 'Redis', 'way': '%s', 'run': %d, 'at': '2026-01-01T00:00:00Z',
             'commit': '0123456789abcdef', 'machine': 'two processors', %s}
            """
                .formatted(way, run, figures))
        .getAsJsonObject();
  }
}
