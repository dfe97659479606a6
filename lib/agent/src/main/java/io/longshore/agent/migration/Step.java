package io.longshore.agent.migration;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.ThreadNiceness;
import io.longshore.platform.error.LongshoreException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Something that is done once, however often it is ordered: the first order starts it on a thread
 * of its own, every order gets its outcome. An order that is given up does not stop it.
 * Thread-safe.
 *
 * <p>Of one that was made by {@link #untilDone} a failure is no outcome for good: the orders that
 * waited get it, the next order tries again.
 *
 * @param <T> what it gives
 */
public final class Step<T extends @Nullable Object> {
  /** What is to be done. */
  public interface Work<T extends @Nullable Object> {
    /** Does it. */
    T run() throws Exception;
  }

  private final String name;
  private final boolean triedAgain;

  @GuardedBy("this")
  private @Nullable CompletableFuture<T> outcome;

  /**
   * @param name of the thread
   */
  public Step(String name) {
    this(name, false);
  }

  private Step(String name, boolean triedAgain) {
    this.name = name;
    this.triedAgain = triedAgain;
  }

  /**
   * A step that must succeed in the end: its work is repeated by the next order if it failed, and
   * must bear that.
   *
   * @param name of the thread
   */
  public static <T extends @Nullable Object> Step<T> untilDone(String name) {
    return new Step<>(name, true);
  }

  /** Whether it was ordered. */
  public synchronized boolean wasOrdered() {
    return outcome != null;
  }

  /**
   * Starts it if it was not ordered before, or failed and may be tried again. Fails with what the
   * work throws.
   */
  public synchronized CompletableFuture<T> order(Work<T> work) {
    if (outcome == null || (triedAgain && outcome.isCompletedExceptionally())) {
      CompletableFuture<T> future = new CompletableFuture<>();
      outcome = future;
      // A workload stands still for most steps, and the CRIU that one starts inherits its niceness.
      ThreadNiceness.thread(
              name,
              ThreadNiceness.URGENT,
              () -> {
                try {
                  future.complete(work.run());
                } catch (Throwable e) {
                  future.completeExceptionally(e);
                }
              })
          .start();
    }
    return outcome;
  }

  /** Waits until it is over, in whichever way; returns at once if it was never ordered. */
  public void awaitEnd() {
    CompletableFuture<T> ordered;
    synchronized (this) {
      ordered = outcome;
    }
    if (ordered != null) {
      ordered.handle((result, failure) -> true).join();
    }
  }

  /**
   * Waits for the outcome of an order.
   *
   * @throws LongshoreException that the work threw; anything else it threw as a CompletionException
   */
  public static <T extends @Nullable Object> T join(CompletableFuture<T> outcome) {
    try {
      return outcome.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof LongshoreException cause) {
        throw cause;
      }
      throw e;
    }
  }
}
