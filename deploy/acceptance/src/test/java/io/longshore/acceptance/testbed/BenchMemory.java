package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import java.util.List;
import java.util.stream.Stream;

/**
 * Trees of deploy/workloads/memory.c. Their downtime is how long nothing of them ran, seen from
 * outside: they have no clients, and CRIU's time namespace leaves out of their own clocks how long
 * images lay.
 *
 * @param overwrites whether its memory changes
 * @param options of the program
 */
record BenchMemory(String name, int mebibytes, boolean overwrites, List<String> options)
    implements BenchWorkload {
  private static final long BESIDE_MILLIS = 1000;

  BenchMemory {
    options = List.copyOf(options);
  }

  private static BenchMemory of(String name, int mebibytes, boolean overwrites, String... options) {
    return new BenchMemory(
        name,
        mebibytes,
        overwrites,
        Stream.concat(Stream.of("--size", mebibytes + "m"), Stream.of(options)).toList());
  }

  /**
   * One that overwrites random pages of a part of its memory.
   *
   * @param percent of all its memory, each second
   */
  static BenchMemory dirtier(int mebibytes, int workingSet, int percent) {
    int threads = 2;
    return of(
        "dirtier, %d MiB, %d %% a second in %d MiB".formatted(mebibytes, percent, workingSet),
        mebibytes,
        true,
        "--threads",
        "" + threads,
        "--dirty",
        "" + mebibytes * 256 * percent / 100 / threads,
        "--working-set",
        workingSet + "m");
  }

  /** As in the paper: memory that stays as it is. */
  static BenchMemory hog(int mebibytes, String content) {
    return of(
        "memhog, %d MiB, %s".formatted(mebibytes, content),
        mebibytes,
        false,
        "--threads",
        "2",
        "--content",
        content);
  }

  /** A tree of 50 processes. */
  static BenchMemory tree(int mebibytes) {
    return of("tree of 50, %d MiB".formatted(mebibytes), mebibytes, false, "--children", "49");
  }

  @Override
  public Cargo start(Testbed testbed) throws InterruptedException {
    MemoryWorkload workload = MemoryWorkload.start(testbed, "a", options.toArray(String[]::new));
    RunningCopies copies = RunningCopies.of(testbed, "a", "b", workload);
    Thread.sleep(BESIDE_MILLIS);
    return new Cargo() {
      @Override
      public int pid() {
        return workload.pid();
      }

      @Override
      public void departs() {}

      @Override
      public void arrived() throws InterruptedException {
        Thread.sleep(BESIDE_MILLIS);
      }

      @Override
      public void report(JsonObject row) {
        row.addProperty("downtime_ms", copies.longestStandstill().toNanos() / 1e6);
        var _ = overwrites ? workload.assertWholeOn("b") : workload.assertRightOn("b");
      }

      @Override
      public void close() {
        copies.close();
        workload.close();
      }
    };
  }
}
