package io.longshore.acceptance.load;

import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** How many connections ask how fast, and from when to when: until standard input ends. */
final class Pace {
  @Option(names = "--connections", defaultValue = "20", description = "Default: ${DEFAULT-VALUE}.")
  private int connections;

  @Option(
      names = "--pause",
      defaultValue = "1000",
      paramLabel = "MICROSECONDS",
      description =
          "After each answer, before the connection's next request (default: ${DEFAULT-VALUE}).")
  private long pause;

  @Option(
      names = "--warm-up",
      defaultValue = "3",
      paramLabel = "SECONDS",
      description = "Load before the first time is recorded (default: ${DEFAULT-VALUE}).")
  private int warmUp;

  private final Phases phases = new Phases(System.nanoTime());
  private volatile boolean stopped;

  int connections() {
    return connections;
  }

  long pauseNanos() {
    return pause * 1000;
  }

  Phases phases() {
    return phases;
  }

  boolean isStopped() {
    return stopped;
  }

  /** Runs them all to their end; returns the report. */
  JsonObject run(List<? extends LoadThread> all) throws IOException, InterruptedException {
    List<Thread> threads =
        all.stream().map(each -> Thread.ofPlatform().name("connection").start(each)).toList();
    try (OwnPauses pauses = new OwnPauses()) {
      pauses.start();
      Thread.sleep(Duration.ofSeconds(warmUp));
      pauses.reset();
      phases.begin(Phase.BEFORE, System.nanoTime());
      System.out.println("ready");
      followInput();
      stopped = true;
      long end = System.nanoTime();
      for (Thread thread : threads) {
        thread.join();
      }
      JsonObject report =
          new LoadReport(all.stream().map(LoadThread::answers).toList(), phases).toJson(end);
      report.addProperty("pause_us", pause);
      report.addProperty("client_longest_pause_ms", pauses.longestNanos() / 1e6);
      report.addProperty("client_garbage_collection_ms", OwnPauses.garbageCollectionMillis());
      return report;
    }
  }

  private void followInput() throws IOException {
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = input.readLine()) != null; ) {
      phases.begin(Phase.valueOf(line.strip().toUpperCase(Locale.ROOT)), System.nanoTime());
    }
  }
}
