package io.longshore.acceptance.load;

import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Reads and writes on many connections until standard input ends. */
@Command(
    name = "load",
    description = {
      "Reads and writes on many connections and checks every answer. Each connection waits for its answer and then for the",
      "pause, so the rate is at most connections / pause: without a pause the client would take the processors from what it",
      "measures. Prints 'ready' when it is warm. Then standard input tells it what happens: the lines 'during' and 'after'",
      "begin a new part of the report; its end stops the load and prints the report."
    })
final class LoadCommand implements Callable<Integer> {
  @Mixin private ServerOptions server = new ServerOptions();

  @Option(names = "--connections", defaultValue = "20", description = "Default: ${DEFAULT-VALUE}.")
  private int connections;

  @Option(
      names = "--pause",
      defaultValue = "1000",
      paramLabel = "MICROSECONDS",
      description =
          "After each answer, before the connection's next request (default: ${DEFAULT-VALUE}).")
  private long pause;

  @Option(names = "--owned-keys", defaultValue = "100", description = "Of each connection.")
  private int ownedKeys;

  @Option(
      names = "--warm-up",
      defaultValue = "3",
      paramLabel = "SECONDS",
      description = "Load before the first time is recorded (default: ${DEFAULT-VALUE}).")
  private int warmUp;

  @Option(names = "--versions", description = "File to write the versions of owned keys to.")
  private @Nullable Path versions;

  private volatile Phase phase = Phase.WARM_UP;
  private volatile boolean stopped;

  @Override
  public Integer call() throws Exception {
    List<LoadConnection> all = new ArrayList<>();
    for (int index = 0; index < connections; index++) {
      all.add(
          new LoadConnection(
              index,
              server.connect(),
              server.content(),
              server.filledKeys(),
              Duration.ofNanos(pause * 1000).toNanos(),
              ownedKeys,
              () -> phase,
              () -> stopped));
    }
    List<Thread> threads =
        all.stream().map(each -> Thread.ofPlatform().name("connection").start(each)).toList();
    long begin;
    JsonObject report;
    try (OwnPauses pauses = new OwnPauses()) {
      pauses.start();
      Thread.sleep(Duration.ofSeconds(warmUp));
      pauses.reset();
      phase = Phase.BEFORE;
      begin = System.nanoTime();
      System.out.println("ready");
      followInput();
      stopped = true;
      double seconds = (System.nanoTime() - begin) / 1e9;
      for (Thread thread : threads) {
        thread.join();
      }
      report = new LoadReport(all).toJson(seconds);
      report.addProperty("pause_us", pause);
      report.addProperty("client_longest_pause_ms", pauses.longestNanos() / 1e6);
      report.addProperty("client_garbage_collection_ms", OwnPauses.garbageCollectionMillis());
    }
    if (versions != null) {
      OwnedVersions.save(all.stream().map(LoadConnection::owned).toList(), versions);
    }
    System.out.println(report);
    return all.stream().allMatch(each -> each.failed() == 0) ? 0 : 1;
  }

  private void followInput() throws IOException {
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = input.readLine()) != null; ) {
      phase = Phase.valueOf(line.strip().toUpperCase(Locale.ROOT));
    }
  }
}
