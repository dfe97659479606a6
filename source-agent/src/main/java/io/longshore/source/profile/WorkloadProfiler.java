package io.longshore.source.profile;

import io.longshore.linux.ProcessTree;
import io.longshore.linux.Task;
import io.longshore.source.profile.WorkloadProfile.Interval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Watches a running workload for a moment. Changes nothing: pages are drawn at random, read, and
 * read again.
 */
public final class WorkloadProfiler {
  /** The standard error of a share is then 0.8 % at most. */
  private static final int SAMPLE = 4096;

  private final RandomGenerator random;

  /** Draws with this. */
  public WorkloadProfiler(RandomGenerator random) {
    this.random = random;
  }

  /**
   * Watches a process tree: the same pages are read at the begin, after a quarter of the time and
   * at its end.
   *
   * @param pid its root
   * @param time between the first read and the last
   * @throws IOException if there is no such process
   */
  public WorkloadProfile profile(int pid, Duration time) throws IOException, InterruptedException {
    List<ProcessMemory> memory = new ArrayList<>();
    MemorySizes sizes = MemorySizes.NONE;
    for (Task task : ProcessTree.of(pid).tasks()) {
      if (task.alive()) {
        try {
          ProcessMemory process = ProcessMemory.of(task.pid());
          memory.add(process);
          sizes = sizes.plus(process.sizes());
        } catch (IOException e) {
          // A child may end at any time.
          if (task.pid() == pid || Files.exists(Path.of("/proc", Integer.toString(task.pid())))) {
            throw e;
          }
        }
      }
    }
    SampledPages drawn = SampledPages.draw(memory, SAMPLE, random);
    try (PageSample sample = new PageSample(drawn);
        Compressibility compressibility = new Compressibility(drawn.count())) {
      long begin = System.nanoTime();
      BitSet _ = sample.read();
      List<Duration> lengths = new ArrayList<>();
      List<BitSet> written = new ArrayList<>();
      BitSet changed = new BitSet();
      for (Duration until : List.of(time.dividedBy(4), time)) {
        Thread.sleep(until.minusNanos(System.nanoTime() - begin));
        long looked = System.nanoTime();
        changed.or(sample.read());
        lengths.add(Duration.ofNanos(looked - begin));
        written.add((BitSet) changed.clone());
      }
      // What they hold is looked at last, so that all reads before it take about the same time.
      BitSet _ = sample.read(compressibility);
      List<Interval> intervals = new ArrayList<>();
      for (int i = 0; i < written.size(); i++) {
        intervals.add(new Interval(lengths.get(i), sample.count(written.get(i))));
      }
      return new WorkloadProfile(
          sizes, sample.count(), compressibility.zeroPages(), compressibility.ratio(), intervals);
    }
  }
}
