package io.longshore.source.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.CpuThrottle;
import io.longshore.linux.ProcessorTime;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * By a limit of processor time, each step half of the one before. The time is given back also if
 * this agent is killed, see {@link CpuThrottle}. Thread-safe.
 */
public final class CpuSteps implements Throttle {
  private static final Logger log = LoggerFactory.getLogger(CpuSteps.class);
  private static final int ALL = 100;
  private static final int LEAST_PERCENT = 3;

  /** After the last round a freeze comes at once, or something is wrong. */
  private static final Duration FREEZE_COMES = Duration.ofSeconds(10);

  /** Of what uses less than this nothing is gained by giving it less. */
  private static final double LEAST_USED = 0.02;

  private final String id;
  private final Path folder;
  private final int root;
  private final Rounds.Processes processes;
  private long begin = System.nanoTime();
  private Duration usedBefore = Duration.ZERO;

  @GuardedBy("this")
  private @Nullable CpuThrottle limit;

  @GuardedBy("this")
  private double used;

  @GuardedBy("this")
  private int percent = ALL;

  @GuardedBy("this")
  private boolean wanted;

  @GuardedBy("this")
  private boolean over;

  /**
   * @param id of the migration
   * @param folder where programs can be run; nothing stays in it
   * @param root of the workload
   */
  public CpuSteps(String id, Path folder, int root, Rounds.Processes processes) {
    this.id = id;
    this.folder = folder;
    this.root = root;
    this.processes = processes;
  }

  @Override
  public void begin() throws IOException {
    begin = System.nanoTime();
    usedBefore = ProcessorTime.of(processes.now().keySet());
  }

  @Override
  public synchronized boolean slower() throws IOException, InterruptedException {
    while (!wanted && !over) {
      wait();
    }
    if (over || percent / 2 < LEAST_PERCENT) {
      return false;
    }
    CpuThrottle limiting = limit;
    if (limiting == null) {
      used =
          ProcessorTime.of(processes.now().keySet()).minus(usedBefore).toNanos()
              / (double) Math.max(1, System.nanoTime() - begin);
      if (used < LEAST_USED) {
        log.info("Migration {}: the workload uses too little time to be slowed", id);
        return false;
      }
      limiting = CpuThrottle.start(folder, id, root);
      limit = limiting;
    }
    int next = percent / 2;
    limiting.limit(used * next / ALL);
    percent = next;
    log.info(
        "Migration {}: the workload is slowed to {} % of the {} processors that it used",
        id, percent, Math.round(used * 100) / 100.0);
    return true;
  }

  @Override
  public synchronized int percent() {
    return percent;
  }

  @Override
  public synchronized void want(boolean now) throws IOException {
    wanted = now;
    notifyAll();
    if (!now) {
      lift();
    }
  }

  @Override
  public synchronized void ended(boolean converged) throws IOException {
    over = true;
    if (!converged) {
      lift();
    } else if (percent != ALL) {
      Thread.ofVirtual().name("throttle-" + id).start(this::liftIfLate);
    }
  }

  private void liftIfLate() {
    try {
      Thread.sleep(FREEZE_COMES);
      lift();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      log.error("Migration {}: the workload may still be slowed", id, e);
    }
  }

  @Override
  public synchronized void lift() throws IOException {
    if (limit != null && percent != ALL) {
      percent = ALL;
      try {
        limit.lift();
      } catch (IOException e) {
        log.warn(
            "Migration {}: what slows the workload does not answer, its limit is removed", id, e);
        CpuThrottle.endLeft(folder, id);
      }
    }
  }

  @Override
  public void close() {
    CpuThrottle limiting;
    synchronized (this) {
      over = true;
      percent = ALL;
      notifyAll();
      limiting = limit;
    }
    if (limiting == null) {
      return;
    }
    limiting.close();
    try {
      // If what was to do that was killed.
      CpuThrottle.endLeft(folder, id);
    } catch (IOException e) {
      log.error("Migration {}: the workload may still be slowed", id, e);
    }
  }
}
