package io.longshore.source.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How fast the contents of pages may be sent. Who sends in bulk waits until what was sent before is
 * paid for; what the workload waits for is paid for afterwards. A new limit holds at once, also for
 * those who wait. Thread-safe.
 */
public final class Bandwidth {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private long bytesPerSecond;

  /** When what was sent is paid for, by nanoTime. */
  @GuardedBy("lock")
  private long paidAt = System.nanoTime();

  /**
   * @param bytesPerSecond 0: as fast as may be
   */
  public Bandwidth(long bytesPerSecond) {
    this.bytesPerSecond = bytesPerSecond;
  }

  /**
   * Sets another limit; what was sent under the one before is forgiven.
   *
   * @param bytesPerSecond 0: as fast as may be
   */
  public void limit(long bytesPerSecond) {
    lock.lock();
    try {
      this.bytesPerSecond = bytesPerSecond;
      paidAt = System.nanoTime();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until what was sent is paid for. */
  void awaitPaid() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      for (long more = paidAt - System.nanoTime();
          bytesPerSecond > 0 && more > 0;
          more = paidAt - System.nanoTime()) {
        var _ = changed.await(more, TimeUnit.NANOSECONDS);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Pays for what is sent. */
  void pay(long bytes) {
    lock.lock();
    try {
      if (bytesPerSecond > 0) {
        long now = System.nanoTime();
        long nanos = (long) ((double) bytes / bytesPerSecond * TimeUnit.SECONDS.toNanos(1));
        paidAt = (paidAt - now > 0 ? paidAt : now) + nanos;
      }
    } finally {
      lock.unlock();
    }
  }
}
