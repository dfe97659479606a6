package io.longshore.platform.lifecycle;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts components in order and stops them in reverse. If one fails to start, those already
 * started are stopped and the first failure is thrown; what fails after that is added to it as
 * suppressed. Thread-safe; stops once.
 */
public final class Lifecycle implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Lifecycle.class);

  private final List<Component> components;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Deque<Component> started = new ArrayDeque<>();

  @GuardedBy("lock")
  private boolean over;

  /** For these components, in this order. */
  public Lifecycle(Collection<? extends Component> components) {
    this.components = List.copyOf(components);
  }

  /**
   * Starts all.
   *
   * @throws Exception the first failure; nothing runs then
   */
  public void start() throws Exception {
    synchronized (lock) {
      if (over || !started.isEmpty()) {
        throw new IllegalStateException("a lifecycle starts once");
      }
      for (Component component : components) {
        // Pushed first: a component whose start fails half-way is stopped too.
        started.push(component);
        try {
          component.start();
        } catch (Exception | Error e) {
          stopAll(e);
          throw e;
        }
      }
    }
  }

  /**
   * Stops all that was started, the last first. Failures are logged and do not keep the others from
   * being stopped.
   */
  @Override
  public void close() {
    synchronized (lock) {
      Exception failures = new Exception("failures while stopping");
      stopAll(failures);
      for (Throwable failure : failures.getSuppressed()) {
        log.warn("Failed to stop a component", failure);
      }
    }
  }

  @GuardedBy("lock")
  private void stopAll(Throwable collector) {
    over = true;
    while (!started.isEmpty()) {
      try {
        started.pop().stop();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        collector.addSuppressed(e);
      } catch (Exception | Error e) {
        collector.addSuppressed(e);
      }
    }
  }
}
