package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import io.longshore.acceptance.testbed.BenchWorkload.Cargo;
import io.longshore.acceptance.testbed.Longshore.Move;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The same work moved by Longshore and by CRIU alone, alternating in one run (deploy/bench matrix).
 * What falls short or fails is in the results like everything else.
 */
@OnTestbed
class BenchRuns {
  static final int RUNS = Integer.getInteger("longshore.bench.runs", 1);
  static final int MEBIBYTES = Integer.getInteger("longshore.bench.mib", 1024);
  private static final List<String> RATES =
      List.of(System.getProperty("longshore.bench.rates", "1gbit").split(" "));

  /** Of the names of link, workload and way, separated by " / ". */
  private static final Pattern ROWS =
      Pattern.compile(System.getProperty("longshore.bench.rows", ""));

  static final Path RESULTS =
      Path.of(
          System.getProperty(
              "longshore.bench.results",
              Checkout.path("deploy/acceptance/target/benchmarks").toString()));

  private final BenchResults results = new BenchResults(RESULTS);
  private final Testbeds testbeds;

  BenchRuns(Testbeds testbeds) throws IOException {
    this.testbeds = testbeds;
  }

  private static List<BenchWorkload> workloads() {
    List<BenchWorkload> all = new ArrayList<>();
    all.add(new BenchRedis(MEBIBYTES));
    all.add(BenchMemory.dirtier(MEBIBYTES / 2, MEBIBYTES / 8, 2));
    all.add(BenchMemory.dirtier(MEBIBYTES / 2, MEBIBYTES / 8, 10));
    all.add(new BenchPostgres(MEBIBYTES / 2));
    all.add(new BenchService(MEBIBYTES / 2));
    all.add(BenchMemory.tree(MEBIBYTES / 2));
    for (String content : List.of("random", "compressible", "zero")) {
      for (int mebibytes : List.of(64, 256, 1024, 4096)) {
        all.add(BenchMemory.hog(mebibytes, content));
      }
    }
    return all;
  }

  @Test
  void matrix() throws IOException, InterruptedException {
    for (String rate : RATES) {
      List<Pair> pairs = pairs(rate);
      for (int run = 1; run <= RUNS; run++) {
        for (Pair pair : pairs) {
          trial(rate, pair.workload(), pair.way(), run);
        }
      }
    }
  }

  /** What {@link #matrix} would measure. */
  @Test
  void listsRows() {
    for (String rate : RATES) {
      pairs(rate).forEach(pair -> System.out.println("bench: " + pair.on(rate)));
    }
  }

  private record Pair(BenchWorkload workload, BenchWay way) {
    String on(String rate) {
      return "%s / %s / %s".formatted(rate, workload.name(), way.name());
    }
  }

  private static List<Pair> pairs(String rate) {
    return workloads().stream()
        .flatMap(workload -> BenchWay.all().stream().map(way -> new Pair(workload, way)))
        .filter(pair -> ROWS.matcher(pair.on(rate)).find())
        .toList();
  }

  private void trial(String rate, BenchWorkload workload, BenchWay way, int run)
      throws IOException, InterruptedException {
    JsonObject row = circumstances();
    row.addProperty("link", rate);
    row.addProperty("workload", workload.name());
    row.addProperty("way", way.name());
    row.addProperty("run", run);
    try {
      Testbed testbed = testbed(rate);
      touchMemory(3 * workload.mebibytes() + 1024);
      move(testbed, workload, way, row);
    } catch (IOException | RuntimeException | AssertionError e) {
      row.addProperty("failed", shortened(e));
      System.out.println("bench: " + e);
      // Whatever it left must not be in the way of the next.
      testbeds.distrust("bench " + workload.name() + " " + way.name());
    }
    System.out.println("bench: " + row);
    results.put(row);
  }

  /** The first line says what was done, mostly the last what came of it. */
  private static String shortened(Throwable failure) {
    List<String> lines =
        String.valueOf(failure.getMessage()).lines().filter(line -> !line.isBlank()).toList();
    return lines.size() < 2
        ? "%.300s".formatted(failure.getMessage())
        : "%.200s ... %.300s".formatted(lines.getFirst(), lines.getLast());
  }

  private static void move(Testbed testbed, BenchWorkload workload, BenchWay way, JsonObject row)
      throws IOException, InterruptedException {
    try (Cargo cargo = workload.start(testbed);
        BenchCounters counters = BenchCounters.begin(testbed, cargo.pid())) {
      cargo.departs();
      way.mover().move(testbed, cargo, row);
      counters.end(row);
      cargo.arrived();
      cargo.report(row);
    }
  }

  /** A service's first migration is that of a machine that was just started. */
  private Testbed testbed(String rate) {
    Testbed before = testbeds.current();
    Testbed testbed = rate.equals("none") ? testbeds.with() : testbeds.with("--rate", rate);
    if (testbed != before) {
      for (String strategy : List.of("hybrid", "stop-and-copy")) {
        try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "256m")) {
          testbed
              .longshore()
              .migrateSuccessfully(Move.of("a", "b", workload.pid(), "--strategy", strategy));
        }
      }
    }
    return testbed;
  }

  /** Memory that the machine has not used before would have to be found by its host first. */
  private static void touchMemory(int mebibytes) {
    Command.of(
            List.of(
                "sh",
                "-c",
                "file=$(mktemp -p /dev/shm) && head -c %dM /dev/zero >\"$file\"; rm -f \"$file\""
                    .formatted(mebibytes)))
        .run()
        .expectSuccess();
  }

  /** When, of what and on what something is measured. */
  static JsonObject circumstances() {
    JsonObject row = new JsonObject();
    row.addProperty("at", Instant.now().toString());
    row.addProperty(
        "commit", said("git", "-C", Checkout.path(".").toString(), "rev-parse", "HEAD"));
    row.addProperty(
        "machine",
        "%d processors (%s), kernel %s, CRIU %s, Java %s"
            .formatted(
                Runtime.getRuntime().availableProcessors(),
                said("sh", "-c", "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1"),
                said("uname", "-r"),
                said(Checkout.tool("LONGSHORE_CRIU"), "--version")
                    .replaceAll("(?s)^Version: |\n.*", ""),
                System.getProperty("java.version")));
    return row;
  }

  private static String said(String... words) {
    return Command.of(List.of(words)).run().out().strip();
  }
}
