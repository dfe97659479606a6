package io.longshore.acceptance.load;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.locks.LockSupport;

/**
 * Watches for the times in which this client itself was held up (no processor, garbage collection),
 * which would otherwise be taken for the server's: a thread that wants to run every millisecond and
 * records the longest it had to wait.
 */
final class OwnPauses implements AutoCloseable {
  private static final long INTERVAL = 1_000_000;

  private final Thread thread = Thread.ofPlatform().name("own-pauses").unstarted(this::watch);
  private volatile boolean closed;
  private volatile long longest;

  void start() {
    thread.start();
  }

  private void watch() {
    long before = System.nanoTime();
    while (!closed) {
      LockSupport.parkNanos(INTERVAL);
      long now = System.nanoTime();
      longest = Math.max(longest, now - before - INTERVAL);
      before = now;
    }
  }

  /** Forgets what was so far. */
  void reset() {
    longest = 0;
  }

  long longestNanos() {
    return longest;
  }

  static long garbageCollectionMillis() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionTime)
        .sum();
  }

  /** The thread ends within its next interval. */
  @Override
  public void close() {
    closed = true;
  }
}
