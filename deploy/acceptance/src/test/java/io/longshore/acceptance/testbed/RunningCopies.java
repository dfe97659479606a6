package io.longshore.acceptance.testbed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Watches, from outside and every two milliseconds, which copy of a {@link MemoryWorkload} runs: a
 * number in its memory grows as long as it does.
 */
final class RunningCopies implements AutoCloseable {
  private static final long INTERVAL = 2_000_000;

  /** One host on which it ran, and what the number was before the first and after the last step. */
  record Stretch(String host, long from, long to) {
    @Override
    public String toString() {
      return "%s(%d..%d)".formatted(host, from, to);
    }
  }

  /** A copy, or where there may be one. */
  private static final class Copy {
    final String host;
    final Path memory;
    final long heart;
    @Nullable FileChannel channel;
    long last = -1;

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
  private final List<Stretch> stretches = new ArrayList<>();
  private final List<String> wrong = new ArrayList<>();
  private final Thread thread = Thread.ofPlatform().name("copies").unstarted(this::watch);
  private volatile boolean stopped;

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
    OptionalLong read = copy.read();
    if (read.isEmpty()) {
      return;
    }
    long now = read.getAsLong();
    long before = copy.last;
    copy.last = now;
    if (before < 0) {
      long most = stretches.stream().mapToLong(Stretch::to).max().orElse(0);
      if (now < most) {
        wrong.add("the copy on %s begins with %d, after %d".formatted(copy.host, now, most));
      }
    } else if (now < before) {
      wrong.add("the copy on %s went back from %d to %d".formatted(copy.host, before, now));
    } else if (now > before) {
      Stretch last = stretches.isEmpty() ? null : stretches.getLast();
      if (last != null && last.host.equals(copy.host)) {
        stretches.set(stretches.size() - 1, new Stretch(copy.host, last.from, now));
      } else {
        stretches.add(new Stretch(copy.host, before, now));
      }
    }
  }

  /** Stops and returns where it ran, one after another. Two copies at once are many stretches. */
  List<Stretch> stretches() {
    close();
    return List.copyOf(stretches);
  }

  String hosts() {
    return stretches().stream().map(Stretch::host).collect(Collectors.joining(" "));
  }

  /** What no copy should have done. */
  List<String> wrong() {
    close();
    return List.copyOf(wrong);
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
