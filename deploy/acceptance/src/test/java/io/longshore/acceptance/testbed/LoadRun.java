package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A load client at work. */
final class LoadRun implements AutoCloseable {
  private final Process process;
  private final BufferedReader output;
  private final Writer input;

  private LoadRun(Process process) {
    this.process = process;
    output = process.inputReader();
    input = process.outputWriter();
  }

  /**
   * The client on host client.
   *
   * @param words its command and options
   */
  static Command client(Testbed testbed, List<String> words) {
    return testbed.on(
        "client",
        Stream.concat(
                Stream.of(
                    Checkout.tool("JAVA_HOME") + "/bin/java",
                    "-Xmx256m",
                    "-XX:+UseSerialGC",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    "io.longshore.acceptance.load.LoadClient"),
                words.stream())
            .toArray(String[]::new));
  }

  static LoadRun begin(Process process) throws IOException {
    LoadRun run = new LoadRun(process);
    String line = run.output.readLine();
    if (!"ready".equals(line)) {
      throw new AssertionError(
          "the load client did not get ready: " + line + process.errorReader().readLine());
    }
    return run;
  }

  /** The migration begins. */
  void during() throws IOException {
    write("during\n");
  }

  /** The migration is over. */
  void after() throws IOException {
    write("after\n");
  }

  private void write(String line) throws IOException {
    input.write(line);
    input.flush();
  }

  /** Stops it and returns its report. */
  JsonObject end() throws IOException {
    input.close();
    String line = output.readLine();
    if (line == null) {
      throw new AssertionError("the load client died: " + process.errorReader().readLine());
    }
    return JsonParser.parseString(line).getAsJsonObject();
  }

  /** Stops it and adds what it reported to the row of a benchmark. */
  void reportTo(JsonObject row) throws IOException {
    add(end(), row);
  }

  /** Adds the report of a load client to the row of a benchmark. */
  static void add(JsonObject report, JsonObject row) {
    row.addProperty("downtime_ms", report.get("client_downtime_ms").getAsDouble());
    for (String name :
        List.of(
            "back_to_90_percent_ms",
            "requests_failed",
            "answers_wrong",
            "connections_lost",
            "client_longest_pause_ms",
            "answers_per_100_ms",
            "during_begins_ms")) {
      if (report.has(name)) {
        row.add(name, report.get(name));
      }
    }
    row.add("load", report.get("phases"));
  }

  /** What it printed is lost; it ends soon when its input does. */
  @Override
  public void close() {
    try {
      input.close();
    } catch (IOException e) {
      // It has ended already.
    }
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
