package io.longshore.acceptance.testbed;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What rounds cost the workload (deploy/bench tracking): one thread that overwrites pages as fast
 * as it can, alone on a processor, with all services on another. Its rounds cannot converge, so
 * each migration ends with the workload where it was, and nothing but rounds is measured.
 */
@OnTestbed
class BenchTracking {
  private static final Duration ALONE = Duration.ofSeconds(5);

  private final Testbed testbed;

  BenchTracking(Testbeds testbeds) {
    testbed = testbeds.with("--rate", "1gbit");
  }

  @Test
  void tracking() throws IOException, InterruptedException {
    for (String host : List.of("a", "b", "coordinator")) {
      for (HostProcesses.One service : HostProcesses.of(testbed, host)) {
        pin(1, service.handle().pid());
      }
    }
    JsonArray runs = new JsonArray();
    try (MemoryWorkload workload =
        MemoryWorkload.start(
            testbed,
            "a",
            "--size",
            BenchRuns.MEBIBYTES + "m",
            "--working-set",
            BenchRuns.MEBIBYTES / 16 + "m",
            // More than it can.
            "--dirty",
            "100000000")) {
      pin(0, HostProcesses.find(testbed, "a", "--working-set").orElseThrow().handle().pid());
      try (Pages pages = new Pages(workload)) {
        var _ = rounds(workload, pages);
        for (int run = 1; run <= BenchRuns.RUNS; run++) {
          JsonObject row = new JsonObject();
          double alone = pages.perSecond(ALONE);
          row.addProperty("pages_per_second_alone", alone);
          double during = rounds(workload, pages);
          row.addProperty("pages_per_second_in_rounds", during);
          // Both sides of it: what else happens on the machine changes slowly.
          double after = pages.perSecond(ALONE);
          row.addProperty("pages_per_second_after", after);
          row.addProperty("cost_percent", 100 * (1 - during / ((alone + after) / 2)));
          System.out.println("bench: " + row);
          runs.add(row);
        }
      }
      var _ = workload.assertWholeOn("a");
    }
    JsonObject all = BenchRuns.circumstances();
    all.add("runs", runs);
    Files.createDirectories(BenchRuns.RESULTS);
    Files.writeString(
        BenchRuns.RESULTS.resolve("tracking.json"),
        new GsonBuilder().setPrettyPrinting().create().toJson(all) + "\n");
    new BenchResults(BenchRuns.RESULTS).writeTable();
  }

  /** Pages a second while there are rounds. */
  private double rounds(MemoryWorkload workload, Pages pages) {
    String id =
        testbed
            .longshore()
            .begin(
                Move.of(
                    "a",
                    "b",
                    workload.pid(),
                    "--strategy",
                    "pre-copy",
                    "--downtime-budget",
                    "1",
                    "--on-no-convergence",
                    "abort"));
    // When copying was first seen, and when it was over.
    List<Long> written = new ArrayList<>();
    List<Long> times = new ArrayList<>();
    testbed
        .calls()
        .follow(
            id,
            Duration.ofMinutes(3),
            seen -> {
              boolean copying = seen.getState() == Migration.State.STATE_COPYING;
              if (copying ? times.isEmpty() : times.size() == 1) {
                written.add(pages.written());
                times.add(System.nanoTime());
              }
            });
    Migration migration = testbed.calls().get(id);
    if (times.size() < 2 || migration.getState() != Migration.State.STATE_FAILED) {
      throw new AssertionError("there were no rounds, or they converged: " + migration);
    }
    return (written.getLast() - written.getFirst()) * 1e9 / (times.getLast() - times.getFirst());
  }

  private static void pin(int processor, long pid) {
    Command.of(List.of("taskset", "--all-tasks", "--pid", "--cpu-list", "" + processor, "" + pid))
        .run()
        .expectSuccess();
  }

  /** How many pages a workload has overwritten, read from outside of it. */
  private final class Pages implements AutoCloseable {
    private final FileChannel memory;
    private final long address;

    Pages(MemoryWorkload workload) throws IOException {
      memory = FileChannel.open(testbed.folderOfProcess("a", workload.pid()).resolve("mem"));
      address = workload.heart() + Long.BYTES;
    }

    long written() {
      ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
      try {
        if (memory.read(word, address) != Long.BYTES) {
          throw new AssertionError("the workload is not there");
        }
      } catch (IOException e) {
        throw new AssertionError(e);
      }
      return word.getLong(0);
    }

    double perSecond(Duration time) throws InterruptedException {
      long before = written();
      long begin = System.nanoTime();
      Thread.sleep(time);
      return (written() - before) * 1e9 / (System.nanoTime() - begin);
    }

    @Override
    public void close() throws IOException {
      memory.close();
    }
  }
}
