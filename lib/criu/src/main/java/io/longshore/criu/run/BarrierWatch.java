package io.longshore.criu.run;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Tells when CRIU comes to a barrier. To be made before CRIU starts. */
final class BarrierWatch implements AutoCloseable {

  private final Barrier barrier;
  private final WatchService watch;
  private final CompletableFuture<Integer> held = new CompletableFuture<>();

  /** Watches a barrier that was built and not yet reached. */
  BarrierWatch(Barrier barrier) throws IOException {
    this.barrier = barrier;
    this.watch = barrier.folder().getFileSystem().newWatchService();
    try {
      barrier
          .folder()
          .register(
              watch, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
    } catch (IOException failure) {
      watch.close();
      throw failure;
    }
    Thread.ofVirtual().name("barrier-" + barrier.action().word()).start(this::watch);
  }

  /**
   * Completes with the root's pid. Fails if the barrier cannot be read or CRIU ends before it comes
   * to it.
   */
  CompletableFuture<Integer> held(CompletableFuture<Integer> exit) {
    CompletableFuture<Integer> tooLate =
        exit.thenCompose(
            status ->
                CompletableFuture.failedFuture(
                    new IOException("CRIU ended before it came to its barrier")));
    return held.applyToEither(tooLate, Function.identity());
  }

  /** Stops watching. */
  @Override
  public void close() throws IOException {
    watch.close();
  }

  private void watch() {
    try (watch) {
      while (!held.isDone()) {
        Optional<Integer> pid = barrier.held();
        if (pid.isPresent()) {
          held.complete(pid.get());
          return;
        }
        WatchKey key = watch.take();
        key.pollEvents();
        key.reset();
      }
    } catch (IOException failure) {
      held.completeExceptionally(failure);
    } catch (ClosedWatchServiceException | InterruptedException closed) {
      held.completeExceptionally(new IOException("no longer waiting at the barrier", closed));
    }
  }
}
