package io.longshore.source.departure;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.pages.Bandwidth;
import io.longshore.source.pages.PagePush;
import io.longshore.source.pages.StalePages;
import io.longshore.source.pages.TransferBrokenException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A departure's way to its target: the data streams and, once the tree is frozen, what sends its
 * pages over them. Streams that are cut are opened again and go on. It is built anew after the
 * agent was restarted, or the target refused a stream: then all pages count as stale again, and the
 * target keeps those that it has. If the target-agent was restarted that happens by itself, for it
 * may have lost what it had acknowledged. Thread-safe.
 */
final class TargetLink {
  private static final Logger log = LoggerFactory.getLogger(TargetLink.class);

  /** Between attempts to reach a target that was restarted. */
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final Supplier<DataPlane> planes;
  private final Pages frozenPages;
  private final Bandwidth bandwidth;
  // Not the monitor: building waits for the target.
  private final ReentrantLock building = new ReentrantLock();

  @GuardedBy("this")
  private @Nullable DataPlane plane;

  @GuardedBy("this")
  private @Nullable PagePush push;

  /** Whether the target may not have what the push has sent. */
  @GuardedBy("this")
  private boolean outdated;

  @GuardedBy("this")
  private boolean hadSentAll;

  @GuardedBy("this")
  private long bytesBefore;

  /** The newest that was seen here; a plane knows that of when it was made. */
  @GuardedBy("this")
  private long epoch;

  @GuardedBy("this")
  private boolean over;

  /** Finds out which pages the agents must move. */
  interface Pages {
    StalePages find() throws IOException;
  }

  /**
   * @param plane open, or null if there is none yet
   * @param planes opens another
   * @param frozenPages called when the tree is frozen
   * @param bandwidth of the push
   */
  TargetLink(
      @Nullable DataPlane plane,
      Supplier<DataPlane> planes,
      Pages frozenPages,
      Bandwidth bandwidth) {
    this.plane = plane;
    this.planes = planes;
    this.frozenPages = frozenPages;
    this.bandwidth = bandwidth;
  }

  /**
   * The streams it was made with.
   *
   * @throws LongshoreException TRANSFER_BROKEN if there are none
   */
  synchronized DataPlane plane() {
    if (plane == null || over) {
      throw broken(new TransferBrokenException("there are no streams to the target", null));
    }
    return plane;
  }

  /** The tree is frozen: answers demands from now on, and can push. */
  void serve(StalePages stale) {
    var _ = serve(plane(), stale);
  }

  /** The target has the images: sends it what the workload will need first. */
  void sendAhead() {
    PagePush serving = push();
    if (serving != null) {
      serving.sendAhead();
    }
  }

  /**
   * What sends the pages; the streams are opened anew if there are none or they broke.
   *
   * @throws LongshoreException TRANSFER_BROKEN if the target cannot be reached
   */
  PagePush connected() throws InterruptedException {
    building.lockInterruptibly();
    try {
      PagePush serving = push();
      if (serving != null && !serving.hasFailed() && !isOutdated()) {
        return serving;
      }
      DataPlane fresh = renew();
      fresh.awaitOpen();
      return serve(fresh, frozenPages.find());
    } catch (TransferBrokenException e) {
      throw broken(e);
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.INTERNAL, "cannot tell which pages the frozen tree has: " + e.getMessage(), e);
    } finally {
      building.unlock();
    }
  }

  /** What sends the pages, working or not; null if nothing does. */
  synchronized @Nullable PagePush push() {
    return push;
  }

  /**
   * Whether nothing was stale on the target, once. A push that came after it may have been cut off
   * by the end of the migration there.
   */
  synchronized boolean hasSentAll() {
    return hadSentAll || (push != null && push.isComplete());
  }

  /** Takes note of a newer epoch. */
  synchronized void admit(long newEpoch) {
    epoch = Math.max(epoch, newEpoch);
    if (plane != null) {
      plane.admit(newEpoch);
    }
  }

  /** How long the way has been cut; zero if it is open, or there is none. */
  synchronized Duration brokenFor() {
    return plane == null ? Duration.ZERO : plane.brokenFor();
  }

  /** Bytes of messages on all data streams that there were. */
  synchronized long bytesOnWire() {
    return bytesBefore + (plane == null ? 0 : plane.bytesOnWire());
  }

  /** Ends it in order: everything was sent and stored. */
  void finish() {
    DataPlane ending = end();
    if (ending != null) {
      ending.finish();
      letGo(ending);
    }
  }

  /** Ends it at once, and every wait for it. */
  void cancel() {
    DataPlane ending = end();
    if (ending != null) {
      ending.cancel();
      letGo(ending);
    }
  }

  /** Of a migration that is over no more is kept than how much it sent. */
  @SuppressWarnings("ReferenceEquality") // Another has sent something else.
  private synchronized void letGo(DataPlane ended) {
    if (plane == ended) {
      bytesBefore += ended.bytesOnWire();
      plane = null;
    }
  }

  private @Nullable DataPlane end() {
    PagePush closing;
    DataPlane ending;
    synchronized (this) {
      over = true;
      closing = push;
      push = null;
      ending = plane;
    }
    if (closing != null) {
      closing.close();
    }
    return ending;
  }

  private DataPlane renew() {
    PagePush closing;
    DataPlane before;
    synchronized (this) {
      if (over) {
        throw new TransferBrokenException("the migration is over on the source", null);
      }
      closing = push;
      before = plane;
      hadSentAll = hasSentAll();
      push = null;
      bytesBefore += before == null ? 0 : before.bytesOnWire();
      plane = null;
    }
    if (before != null) {
      before.cancel();
    }
    if (closing != null) {
      closing.close();
    }
    DataPlane fresh = planes.get();
    synchronized (this) {
      plane = fresh;
      // A newer one may have come while it was made.
      fresh.admit(epoch);
      if (over) {
        fresh.cancel();
      }
    }
    return fresh;
  }

  private PagePush serve(DataPlane streams, StalePages stale) {
    PagePush serving = new PagePush(stale, streams.pages(), streams.faults(), bandwidth);
    boolean tooLate;
    synchronized (this) {
      tooLate = over;
      if (!tooLate) {
        push = serving;
        outdated = false;
      }
    }
    if (tooLate) {
      serving.close();
      throw new TransferBrokenException("the migration is over on the source", null);
    }
    streams.onDemand(serving::demand);
    streams.onTargetRestarted(() -> targetRestarted(serving));
    return serving;
  }

  @SuppressWarnings("ReferenceEquality") // Another is not of the streams that were refused.
  private void targetRestarted(PagePush of) {
    synchronized (this) {
      if (over || outdated || push != of) {
        return;
      }
      outdated = true;
    }
    Thread.ofVirtual().name("push-anew").start(this::pushAnew);
  }

  /** Only a workload that runs on the target outlives the agent there. */
  private void pushAnew() {
    log.info("The target-agent was restarted: all pages are sent again");
    try {
      pushUntilDone();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Sends every page, over new streams where the old ones broke, until the target has them all or
   * the migration is over here.
   */
  void pushUntilDone() throws InterruptedException {
    boolean done = false;
    while (!done && !isOver()) {
      try {
        connected().start(true).get();
        done = true;
      } catch (ExecutionException | RuntimeException e) {
        // Whatever it is: who else sends them may have ended.
        if (!isOver()) {
          log.warn("The target cannot be sent all pages yet: {}", e.getMessage());
          Thread.sleep(PAUSE);
        }
      }
    }
  }

  private synchronized boolean isOver() {
    return over;
  }

  private synchronized boolean isOutdated() {
    return outdated && !over;
  }

  private static LongshoreException broken(TransferBrokenException e) {
    return new LongshoreException(Reason.TRANSFER_BROKEN, String.valueOf(e.getMessage()), e);
  }
}
