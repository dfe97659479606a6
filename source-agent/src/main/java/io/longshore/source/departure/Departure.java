package io.longshore.source.departure;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.migration.Step;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuDump;
import io.longshore.criu.run.CriuFailure;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.DumpOptions;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.network.TcpSockets;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.images.ImageStreamer;
import io.longshore.source.images.ImagesSent;
import io.longshore.source.pages.PagePush;
import io.longshore.source.pages.PushProgress;
import io.longshore.source.pages.StalePages;
import io.longshore.source.pages.TransferBrokenException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A workload's way out of this host: the source's part of one migration.
 *
 * <p>Each step can be ordered again and then waits for, or answers with, what the first order led
 * to. A failure leaves the workload frozen, or running if it never was frozen, until {@link
 * #rollBack} or {@link #release}. Thread-safe.
 */
public final class Departure {
  private static final Logger log = LoggerFactory.getLogger(Departure.class);
  private static final Duration STARTED = Duration.ofSeconds(10);
  private static final Duration DUMPED = Duration.ofMinutes(2);
  private static final Duration FENCED = Duration.ofSeconds(5);
  private static final Duration ENDED = Duration.ofSeconds(10);

  private final MigrationRef ref;
  private final Parts parts;
  private final Step<FreezeResult> freeze;
  private final Step<Phase> release;
  private final Step<Phase> rollBack;

  @GuardedBy("this")
  private Phase phase = Phase.PREPARED;

  @GuardedBy("this")
  private @Nullable CriuDump dump;

  @GuardedBy("this")
  private @Nullable PagePush push;

  /**
   * What a departure works with; it owns them.
   *
   * @param rootPid root of the workload
   * @param fence holds the workload's tree, which runs
   */
  public record Parts(
      int rootPid,
      Criu criu,
      CriuFolder folder,
      CgroupFence fence,
      DataPlane plane,
      SourceAddresses addresses) {}

  /** Prepared. */
  public Departure(MigrationRef ref, Parts parts) {
    this.ref = ref;
    this.parts = parts;
    this.freeze = new Step<>("freeze-" + ref.id());
    this.release = new Step<>("release-" + ref.id());
    this.rollBack = new Step<>("roll-back-" + ref.id());
  }

  /** Where it stands. */
  public synchronized Phase phase() {
    return phase;
  }

  /** Root of the workload. */
  public int rootPid() {
    return parts.rootPid();
  }

  /**
   * Freezes the workload and sends its images; returns when the target has stored them.
   *
   * @throws LongshoreException CRIU_DUMP_FAILED with CRIU's words; TRANSFER_BROKEN; CANCELLED if
   *     rolled back meanwhile
   */
  public FreezeResult freeze() {
    CompletableFuture<FreezeResult> outcome;
    synchronized (this) {
      if (!freeze.wasOrdered()) {
        require(Phase.PREPARED, "freeze");
        phase = Phase.FROZEN;
      }
      outcome = freeze.order(this::runFreeze);
    }
    return Step.join(outcome);
  }

  /**
   * Begins to send every stale page.
   *
   * @return completes when nothing is stale on the target
   */
  public CompletableFuture<Void> push() {
    return frozenPush().start();
  }

  /** How far the push is. */
  public PushProgress pushProgress() {
    return frozenPush().progress();
  }

  /** Bytes of messages on all data streams. */
  public long bytesOnWire() {
    return parts.plane().bytesOnWire();
  }

  /**
   * Ends the frozen copy. Only when the workload runs on the target and nothing is stale there.
   *
   * @throws LongshoreException WRONG_PHASE if pages are still to be sent
   */
  public void release() {
    CompletableFuture<Phase> outcome;
    synchronized (this) {
      if (!release.wasOrdered()) {
        require(Phase.FROZEN, "release");
        PagePush sent = push;
        if (sent == null || sent.progress().stored() < sent.progress().total()) {
          throw new LongshoreException(
              Reason.WRONG_PHASE,
              "cannot release migration " + ref.id() + ": the target does not have all pages yet");
        }
      }
      outcome = release.order(this::runRelease);
    }
    Step.join(outcome);
  }

  /**
   * Lets the workload run on as if nothing had happened. Only when the target will never run it.
   */
  public void rollBack() {
    CompletableFuture<Phase> outcome;
    synchronized (this) {
      if (!rollBack.wasOrdered() && (release.wasOrdered() || phase == Phase.RELEASED)) {
        throw new LongshoreException(
            Reason.WRONG_PHASE, "migration " + ref.id() + " was released on the source");
      }
      outcome = rollBack.order(this::runRollBack);
    }
    Step.join(outcome);
  }

  private FreezeResult runFreeze() throws IOException, InterruptedException {
    CriuFolder folder = parts.folder();
    try (ImageStreamer images = new ImageStreamer(folder.images(), parts.plane().images())) {
      CriuDump dumping = startDump();
      dumping.awaitHeld(STARTED);
      images.start();
      long start = System.nanoTime();
      parts.addresses().hold(parts.plane().images());
      long held = System.nanoTime() - start;
      dumping.go();
      dumping.awaitReady(DUMPED);
      long described = System.nanoTime() - start;
      parts.fence().freeze(FENCED);
      Duration freezeTime = Duration.ofNanos(System.nanoTime() - start);
      CompletableFuture<Void> sealed = CompletableFuture.runAsync(parts.addresses()::seal);
      ImagesSent sent = images.finish();
      StalePages stale =
          new StalePages(FrozenTree.pages(folder.images(), parts.rootPid(), parts.fence()));
      PagePush pushing = new PagePush(stale, parts.plane().pages(), parts.plane().faults());
      parts.plane().onDemand(pushing::demand);
      synchronized (this) {
        push = pushing;
      }
      long sentAfter = System.nanoTime() - start;
      parts.plane().images().awaitComplete();
      // At once: what is there when the workload resumes is not waited for.
      var _ = pushing.start();
      sealed.join();
      log.info(
          "Migration {}: packets held after {} ms, images written after {} ms, frozen after {} ms,"
              + " {} images sent after {} ms, stored after {} ms",
          ref.id(),
          TimeUnit.NANOSECONDS.toMillis(held),
          TimeUnit.NANOSECONDS.toMillis(described),
          freezeTime.toMillis(),
          sent.count(),
          TimeUnit.NANOSECONDS.toMillis(sentAfter),
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
      return new FreezeResult(freezeTime, start, sent.bytes(), stale.total());
    } catch (CriuFailure e) {
      throw new LongshoreException(Reason.CRIU_DUMP_FAILED, String.valueOf(e.getMessage()), e)
          .withCriuLog(e.logLines());
    } catch (TransferBrokenException e) {
      throw new LongshoreException(Reason.TRANSFER_BROKEN, String.valueOf(e.getMessage()), e);
    }
  }

  private synchronized CriuDump startDump() throws IOException {
    if (rollBack.wasOrdered()) {
      throw new LongshoreException(Reason.CANCELLED, "the migration was rolled back");
    }
    dump =
        CriuDump.start(
            parts.criu(),
            DumpOptions.of(parts.rootPid(), parts.folder().images(), parts.folder().work())
                .withBarrier());
    return dump;
  }

  private Phase runRelease() throws IOException, InterruptedException {
    CriuDump dumped = dump();
    if (dumped != null) {
      try {
        dumped.closePageServer(ENDED);
      } catch (IOException e) {
        log.warn("Migration {}: CRIU did not end well; killing it", ref.id(), e);
        dumped.kill();
      }
    }
    parts.fence().kill(ENDED);
    parts.addresses().release();
    closePush();
    parts.plane().finish();
    cleanUp();
    synchronized (this) {
      phase = Phase.RELEASED;
    }
    log.info("Migration {}: released", ref.id());
    return Phase.RELEASED;
  }

  private Phase runRollBack() throws IOException, InterruptedException {
    // Ends every wait for the network; CRIU itself is let finish its freeze, which is short, and
    // then turned back.
    parts.plane().cancel();
    freeze.awaitEnd();
    CriuDump dumped = dump();
    if (dumped != null) {
      dumped.abort(ENDED);
    }
    // A dump that ends after its images were written leaves connections unable to send and receive.
    for (int pid : parts.fence().processes()) {
      TcpSockets.endRepair(pid);
    }
    closePush();
    parts.addresses().rollBack();
    parts.fence().thaw();
    cleanUp();
    synchronized (this) {
      phase = Phase.ROLLED_BACK;
    }
    log.info("Migration {}: rolled back, process {} runs on", ref.id(), parts.rootPid());
    return Phase.ROLLED_BACK;
  }

  private void cleanUp() throws IOException {
    parts.fence().dissolve();
    parts.folder().delete();
  }

  private synchronized @Nullable CriuDump dump() {
    return dump;
  }

  private void closePush() {
    PagePush closing;
    synchronized (this) {
      closing = push;
    }
    if (closing != null) {
      closing.close();
    }
  }

  private synchronized PagePush frozenPush() {
    if (push == null || rollBack.wasOrdered()) {
      throw new LongshoreException(
          Reason.WRONG_PHASE, "migration " + ref.id() + " is not frozen on the source");
    }
    return push;
  }

  @GuardedBy("this")
  private void require(Phase wanted, String order) {
    if (phase != wanted || rollBack.wasOrdered()) {
      throw new LongshoreException(
          Reason.WRONG_PHASE,
          "cannot %s migration %s: it is %s on the source, not %s"
              .formatted(order, ref.id(), phase, wanted));
    }
  }
}
