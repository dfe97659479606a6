package io.longshore.acceptance.testbed;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.util.Durations;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/**
 * The same work moved by Longshore and by CRIU alone, alternating in one run (deploy/bench matrix).
 * What falls short or fails is in the results like everything else.
 */
@OnTestbed
class BenchRuns {
  private static final int RUNS = Integer.getInteger("longshore.bench.runs", 1);
  private static final int GIB = Integer.getInteger("longshore.bench.gib", 1);
  private static final String RATE = System.getProperty("longshore.bench.rate", "1gbit");
  private static final Path RESULTS =
      Path.of(
          System.getProperty(
              "longshore.bench.results",
              Checkout.path("deploy/acceptance/target/benchmarks").toString()));
  private static final int CONNECTIONS = 20;
  private static final Duration BESIDE = Duration.ofSeconds(4);

  private static final int DIRTIER_MEBIBYTES = 512;
  private static final int DIRTIER_THREADS = 2;

  /** Of each thread: 2 % of all memory a second. */
  private static final int DIRTIER_PAGES = DIRTIER_MEBIBYTES * 256 / 50 / DIRTIER_THREADS;

  private final Testbed testbed;
  private final JsonArray rows = new JsonArray();

  BenchRuns(Testbeds testbeds) {
    testbed = RATE.equals("none") ? testbeds.with() : testbeds.with("--rate", RATE);
  }

  /** A way to move a workload. */
  private record Way(String name, Mover mover) {}

  private interface Mover {
    /** Moves from a to b; adds what it knows of it. */
    void move(int pid, String address, JsonObject row) throws IOException, InterruptedException;
  }

  @Test
  void matrix() throws Exception {
    warmUp();
    List<Way> ways = new ArrayList<>();
    for (String strategy : List.of("stop-and-copy", "pre-copy", "post-copy", "hybrid", "auto")) {
      ways.add(
          new Way(
              "longshore " + strategy, (pid, address, row) -> ours(strategy, pid, address, row)));
    }
    for (PlainCriu.Way way : PlainCriu.Way.values()) {
      ways.add(new Way(way.toString(), (pid, address, row) -> plain(way, pid, address, row)));
    }
    for (int run = 1; run <= RUNS; run++) {
      for (Way way : ways) {
        trial("Redis, %d GiB, 20 clients".formatted(GIB), run, way, row -> redis(way, row));
      }
      for (Way way : ways) {
        trial(
            "dirtier, %d MiB, 2 %% a second".formatted(DIRTIER_MEBIBYTES),
            run,
            way,
            row -> dirtier(way, row));
      }
    }
  }

  /** A service's first migration is that of a machine that was just started. */
  private void warmUp() {
    for (String strategy : List.of("hybrid", "stop-and-copy")) {
      try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "256m")) {
        testbed
            .longshore()
            .migrateSuccessfully(Move.of("a", "b", workload.pid(), "--strategy", strategy));
      }
    }
  }

  private interface Trial {
    void run(JsonObject row) throws IOException, InterruptedException;
  }

  private void trial(String workload, int run, Way way, Trial trial) throws IOException {
    JsonObject row = new JsonObject();
    row.addProperty("workload", workload);
    row.addProperty("way", way.name());
    row.addProperty("run", run);
    touchMemory();
    try {
      trial.run(row);
    } catch (Exception | AssertionError e) {
      row.addProperty("failed", String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
      System.out.println("bench: " + e);
    }
    rows.add(row);
    System.out.println("bench: " + row);
    write();
  }

  /** Memory that the machine has not used before would have to be found by its host first. */
  private static void touchMemory() {
    Command.of(
            List.of(
                "sh",
                "-c",
                "file=$(mktemp -p /dev/shm) && head -c %dG /dev/zero >\"$file\"; rm -f \"$file\""
                    .formatted(3 * GIB + 1)))
        .run()
        .expectSuccess();
  }

  private void redis(Way way, JsonObject row) throws IOException, InterruptedException {
    try (RedisWorkload redis = RedisWorkload.start(testbed, "a", (long) GIB << 30);
        LoadRun load = redis.load(CONNECTIONS)) {
      Thread.sleep(BESIDE);
      load.during();
      Counters before = Counters.now(testbed);
      way.mover().move(redis.pid(), RedisWorkload.CIDR, row);
      Counters.now(testbed).minus(before, row);
      load.after();
      Thread.sleep(BESIDE);
      JsonObject report = load.end();
      row.addProperty("downtime_ms", report.get("client_downtime_ms").getAsDouble());
      row.addProperty("requests_failed", report.get("requests_failed").getAsLong());
      row.addProperty("answers_wrong", report.get("answers_wrong").getAsLong());
      row.addProperty("connections_lost", report.get("connections_lost").getAsLong());
      row.add("load", report.get("phases"));
      row.addProperty("keys_wrong", redis.check().get("keys_wrong").getAsLong());
    }
  }

  private void dirtier(Way way, JsonObject row) throws IOException, InterruptedException {
    try (MemoryWorkload workload =
        MemoryWorkload.start(
            testbed,
            "a",
            "--size",
            DIRTIER_MEBIBYTES + "m",
            "--threads",
            "" + DIRTIER_THREADS,
            "--dirty",
            "" + DIRTIER_PAGES)) {
      try (RunningCopies copies = RunningCopies.of(testbed, "a", "b", workload)) {
        Thread.sleep(1000);
        Counters before = Counters.now(testbed);
        way.mover().move(workload.pid(), "", row);
        Counters.now(testbed).minus(before, row);
        Thread.sleep(500);
        // Not by its own clock: CRIU's time namespace leaves out how long the images lay.
        row.addProperty("downtime_ms", copies.longestStandstill().toNanos() / 1e6);
      }
      var _ = workload.assertWholeOn("b");
    }
  }

  private void ours(String strategy, int pid, String address, JsonObject row) {
    List<String> options = new ArrayList<>(List.of("--strategy", strategy));
    if (!address.isEmpty()) {
      options.addAll(List.of("--service-ip", address));
    }
    Migration migration =
        testbed
            .longshore()
            .migrateSuccessfully(Move.of("a", "b", pid, options.toArray(String[]::new)));
    MigrationResult result = migration.getResult();
    row.addProperty(
        "strategy",
        migration
            .getSpec()
            .getStrategy()
            .name()
            .substring("STRATEGY_".length())
            .toLowerCase(Locale.ROOT));
    row.addProperty("total_ms", Durations.toMillis(result.getTotalTime()));
    row.addProperty("memory_bytes", result.getMemoryBytes());
    row.addProperty("pages_sent", result.getPagesSent());
    row.addProperty("zero_pages", result.getZeroPages());
    row.addProperty("rounds", result.getRounds());
    row.addProperty("stale_pages", result.getStalePages());
    row.addProperty("demand_faults", result.getDemandFaults());
    row.addProperty("reported_downtime_ms", Durations.toMillis(result.getDowntime()));
    if (result.hasPredictedDowntime()) {
      row.addProperty(
          "predicted_downtime_ms", Durations.toMillis(result.getPredictedDowntime().getExpected()));
    }
  }

  private void plain(PlainCriu.Way way, int pid, String address, JsonObject row)
      throws IOException, InterruptedException {
    row.addProperty("total_ms", new PlainCriu(testbed).move(way, pid, address).toMillis());
  }

  /** What the machine counted until now, of both hosts. */
  private record Counters(long sentByA, long cpuOfA, long cpuOfB) {
    static Counters now(Testbed testbed) throws IOException {
      return new Counters(
          Long.parseLong(testbed.shell("a", "cat /sys/class/net/eth0/statistics/tx_bytes").strip()),
          cpu(testbed, "a"),
          cpu(testbed, "b"));
    }

    /** The workload itself is in it. */
    private static long cpu(Testbed testbed, String host) throws IOException {
      Path usage = Path.of("/sys/fs/cgroup/cpuacct", testbed.name(), host, "cpuacct.usage");
      return Files.exists(usage) ? Long.parseLong(Files.readString(usage).strip()) : 0;
    }

    void minus(Counters before, JsonObject row) {
      row.addProperty("bytes_on_wire", sentByA - before.sentByA);
      row.addProperty("cpu_a_s", (cpuOfA - before.cpuOfA) / 1e9);
      row.addProperty("cpu_b_s", (cpuOfB - before.cpuOfB) / 1e9);
    }
  }

  private void write() throws IOException {
    Files.createDirectories(RESULTS);
    JsonObject all = new JsonObject();
    all.addProperty("at", Instant.now().toString());
    all.addProperty(
        "commit", said("git", "-C", Checkout.path(".").toString(), "rev-parse", "HEAD"));
    all.addProperty("kernel", said("uname", "-r"));
    all.addProperty("processors", Runtime.getRuntime().availableProcessors());
    all.addProperty(
        "processor", said("sh", "-c", "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1"));
    all.addProperty("criu", said(Checkout.tool("LONGSHORE_CRIU"), "--version").replace('\n', ' '));
    all.addProperty("java", System.getProperty("java.version"));
    all.addProperty("link", RATE);
    all.add("rows", rows);
    Files.writeString(
        RESULTS.resolve("matrix.json"),
        new GsonBuilder().setPrettyPrinting().create().toJson(all) + "\n");
    Files.writeString(RESULTS.resolve("matrix.md"), BenchTable.of(all));
  }

  private static String said(String... words) {
    return Command.of(List.of(words)).run().out().strip();
  }
}
