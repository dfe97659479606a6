package io.longshore.target.restore;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageStore;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Looks, while a workload is restored, whether the pages that have not come can still be asked for.
 * CRIU touches some, and waits for one that is missing until its own time is over: all that time
 * the workload stands still on the source, which could let it run on.
 */
final class LinkWatch {
  private static final long LOOK_MILLIS = 100;

  private final PageStore pages;
  private final Demands demands;
  private final Duration patience;
  private final Consumer<LongshoreException> listener;
  private final CountDownLatch over = new CountDownLatch(1);
  private final Thread thread;

  /**
   * Not begun.
   *
   * @param patience how long there may be no way to the source
   * @param listener is told if it was longer: LINK_CUT. At most once, on the thread of the watch
   */
  LinkWatch(
      PageStore pages, Demands demands, Duration patience, Consumer<LongshoreException> listener) {
    this.pages = pages;
    this.demands = demands;
    this.patience = patience;
    this.listener = listener;
    this.thread = Thread.ofVirtual().name("link-watch").unstarted(this::watch);
  }

  void begin() {
    thread.start();
  }

  /** When it returns, the listener was told or never will be. */
  void end() throws InterruptedException {
    over.countDown();
    thread.join();
  }

  private void watch() {
    try {
      while (!over.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        Duration cut = demands.cutFor();
        if (cut.compareTo(patience) > 0 && pages.stalePages() > 0) {
          listener.accept(
              new LongshoreException(
                  Reason.LINK_CUT,
                  "the link to the source has been cut for %d ms, and %d pages are there only"
                      .formatted(cut.toMillis(), pages.stalePages())));
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
