package io.longshore.linux;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Runs what traces others on a platform thread of its own, whose end lets go of all of them. */
final class TracingThread {
  /** What traces. */
  @FunctionalInterface
  interface Work<T> {
    T run() throws IOException;
  }

  private TracingThread() {}

  /** Waits for its end whatever comes: what it does to others cannot be left half done. */
  static <T> T run(Work<T> work) throws IOException {
    CompletableFuture<T> done = new CompletableFuture<>();
    Thread.ofPlatform()
        .name("tracing")
        .start(
            () -> {
              try {
                done.complete(work.run());
              } catch (Throwable e) {
                done.completeExceptionally(e);
              }
            });
    try {
      return done.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw e;
    }
  }
}
