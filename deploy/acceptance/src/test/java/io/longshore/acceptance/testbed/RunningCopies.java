package io.longshore.acceptance.testbed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Watches, from outside and every two milliseconds, which copy of a {@link MemoryWorkload} runs: a
 * number in its memory grows as long as it does.
 */
final class RunningCopies implements AutoCloseable {
  private static final long INTERVAL = 2_000_000;

  /** A copy, or where there may be one. */
  private static final class Copy {
    final String host;
    final Path memory;
    final long heart;
    @Nullable FileChannel channel;

    Copy(Testbed testbed, String host, int pid, long heart) {
      this.host = host;
      this.heart = heart;
      memory = testbed.folderOfProcess(host, pid).resolve("mem");
    }

    /** The number, if there is a copy and its memory is made. */
    OptionalLong read() {
      ByteBuffer words = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder());
      try {
        if (channel == null) {
          channel = FileChannel.open(memory);
        }
        if (channel.read(words, heart) == 16 && words.getLong(0) == MemoryWorkload.HEART) {
          return OptionalLong.of(words.getLong(8));
        }
        if (words.position() == 0) {
          forget();
        }
      } catch (IOException e) {
        // Not there yet, not mapped yet, or there no more.
        forget();
      }
      return OptionalLong.empty();
    }

    private void forget() {
      if (channel != null) {
        try {
          channel.close();
        } catch (IOException e) {
          throw new AssertionError(e);
        }
        channel = null;
      }
    }
  }

  private final List<Copy> copies;
  private final Stretches stretches = new Stretches();
  private final Thread thread = Thread.ofPlatform().name("copies").unstarted(this::watch);
  private volatile boolean stopped;
  private final Map<String, Long> numbers = new HashMap<>();
  private long lastStep = System.nanoTime();
  private long longestStandstill;

  private RunningCopies(List<Copy> copies) {
    this.copies = copies;
  }

  static RunningCopies of(Testbed testbed, String source, String target, MemoryWorkload workload) {
    RunningCopies running =
        new RunningCopies(
            List.of(
                new Copy(testbed, source, workload.pid(), workload.heart()),
                new Copy(testbed, target, workload.pid(), workload.heart())));
    running.thread.start();
    return running;
  }

  private void watch() {
    while (!stopped) {
      copies.forEach(this::look);
      LockSupport.parkNanos(INTERVAL);
    }
    copies.forEach(Copy::forget);
  }

  private void look(Copy copy) {
    OptionalLong now = copy.read();
    if (now.isPresent()) {
      stretches.saw(copy.host, now.getAsLong());
      Long before = numbers.put(copy.host, now.getAsLong());
      if (before == null || before != now.getAsLong()) {
        long time = System.nanoTime();
        // What is restored and does not run shows where it was when it was frozen.
        if (before != null) {
          longestStandstill = Math.max(longestStandstill, time - lastStep);
          lastStep = time;
        }
      }
    }
  }

  /** Stops, and returns where it ran. */
  Stretches stretches() {
    close();
    return stretches;
  }

  /** Stops, and returns how long no copy ran. */
  Duration longestStandstill() {
    close();
    return Duration.ofNanos(longestStandstill);
  }

  @Override
  public void close() {
    stopped = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }
}
