package io.longshore.acceptance.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Divides a range of key numbers among threads. */
final class KeyRanges {
  /** Works on the numbers from {@code from} to before {@code until}. */
  interface Work {
    void on(long from, long until) throws Exception;
  }

  private KeyRanges() {}

  /**
   * Returns when all of it is done.
   *
   * @throws ExecutionException with the first failure as its cause
   */
  static void inParallel(long keys, int threads, Work work)
      throws ExecutionException, InterruptedException {
    try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> parts = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        long from = keys * i / threads;
        long until = keys * (i + 1) / threads;
        parts.add(
            executor.submit(
                () -> {
                  work.on(from, until);
                  return true;
                }));
      }
      for (Future<?> part : parts) {
        part.get();
      }
    }
  }
}
