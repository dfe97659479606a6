package io.longshore.acceptance.load;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class PgbenchCommandTest {
  @TempDir private Path folder;

  @Test
  void reportsTransactionsByThePhaseInWhichTheyEnded() throws IOException {
    // Client 0 is answered at 1000.5 s and, after 2.5 s, at 1003 s; client 1 at 1002 s and 1004 s.
    Path log =
        Files.write(
            folder.resolve("log"),
            List.of(
                "0 0 1000 0 1000 500000",
                "1 0 2000 0 1002 0",
                "0 1 2400000 0 1003 0",
                "1 1 3000 0 1004 0"));
    JsonObject report = report("--phases", "1000000,1001000,1003500,1005000", log.toString());
    assertThat(report.get("connections").getAsInt()).isEqualTo(2);
    assertThat(report.get("requests").getAsInt()).isEqualTo(4);
    assertThat(report.get("client_downtime_ms").getAsDouble()).isEqualTo(2500);
    assertThat(report.get("during_begins_ms").getAsInt()).isEqualTo(1000);
    JsonObject phases = report.getAsJsonObject("phases");
    assertThat(phases.getAsJsonObject("before").get("requests").getAsInt()).isEqualTo(1);
    assertThat(phases.getAsJsonObject("during").get("requests").getAsInt()).isEqualTo(2);
    assertThat(phases.getAsJsonObject("during").get("requests_per_second").getAsDouble())
        .isEqualTo(0.8);
    assertThat(phases.getAsJsonObject("during").get("max_ms").getAsDouble()).isEqualTo(2400);
    assertThat(phases.getAsJsonObject("after").get("requests").getAsInt()).isEqualTo(1);
  }

  private static JsonObject report(String... arguments) {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      assertThat(new CommandLine(new PgbenchCommand()).execute(arguments)).isZero();
    } finally {
      System.setOut(before);
    }
    return JsonParser.parseString(printed.toString(StandardCharsets.UTF_8)).getAsJsonObject();
  }
}
