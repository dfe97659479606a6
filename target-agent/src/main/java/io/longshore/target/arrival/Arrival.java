package io.longshore.target.arrival;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.migration.Step;
import io.longshore.criu.image.ImageFormatException;
import io.longshore.criu.run.CriuFolder;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.images.AnnouncedPages;
import io.longshore.target.images.ImageFolder;
import io.longshore.target.network.AddressArrival;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageStore;
import io.longshore.target.pages.PageStoreFullException;
import io.longshore.target.restore.Restoration;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A workload's way into this host: the target's part of one migration.
 *
 * <p>Each step can be ordered again and then waits for, or answers with, what the first order led
 * to. A failure before {@link #resume} leaves it to the coordinator to {@link #abort}; after {@link
 * #resume} was ordered there is no way back. Thread-safe.
 */
public final class Arrival {
  private static final Logger log = LoggerFactory.getLogger(Arrival.class);

  private final MigrationRef ref;
  private final byte[] secret = new byte[32];
  private final @Nullable Parts parts;
  private final CompletableFuture<Void> images = new CompletableFuture<>();

  @GuardedBy("this")
  private Phase phase = Phase.PREPARED;

  private final Step<Duration> restore;
  private final Step<Integer> resume;
  private final Step<Long> complete;
  private final Step<Phase> abort;

  /**
   * What an arrival works with; it owns them.
   *
   * @param promisedBytes the most memory the migration may take here
   */
  public record Parts(
      CriuFolder folder,
      ImageFolder images,
      PageStore pages,
      Demands demands,
      Restoration restoration,
      AddressArrival addresses,
      long promisedBytes) {}

  /** Ready to receive. */
  public Arrival(MigrationRef ref, Parts parts) {
    this(ref, parts, Phase.PREPARED);
  }

  private Arrival(MigrationRef ref, @Nullable Parts parts, Phase phase) {
    this.ref = ref;
    this.parts = parts;
    this.phase = phase;
    this.restore = new Step<>("restore-" + ref.id());
    this.resume = new Step<>("resume-" + ref.id());
    this.complete = new Step<>("complete-" + ref.id());
    this.abort = new Step<>("abort-" + ref.id());
    new SecureRandom().nextBytes(secret);
  }

  /** One that never was: the workload will never run here. */
  static Arrival aborted(MigrationRef ref) {
    return new Arrival(ref, null, Phase.ABORTED);
  }

  /** Opens the data streams. */
  public byte[] secret() {
    return secret.clone();
  }

  /** Where it stands. */
  public synchronized Phase phase() {
    return phase;
  }

  /** Where images go. */
  public ImageFolder images() {
    return receiving().images();
  }

  /** Where pages go. */
  public PageStore pages() {
    Phase now = phase();
    if (now.isOver()) {
      throw new LongshoreException(
          Reason.WRONG_PHASE, "the target takes no pages when it is " + now);
    }
    return parts().pages();
  }

  /** How pages are asked for. */
  public Demands demands() {
    return parts().demands();
  }

  /** Keeps a packet that arrived at the source for the time after resume. */
  public void hold(byte[] packet) {
    parts().addresses().hold(packet);
  }

  /**
   * All images were sent: checks them and announces their lazy pages to the page store.
   *
   * @throws LongshoreException MALFORMED_STREAM if they cannot be understood
   */
  public void imagesComplete(int count, long bytes) {
    Parts receiving = receiving();
    receiving.images().complete(count, bytes);
    boolean announced = false;
    try {
      AnnouncedPages.announce(receiving.images().path(), receiving.pages());
      announced = true;
    } catch (ImageFormatException | IllegalArgumentException | NoSuchFileException e) {
      throw new LongshoreException(
          Reason.MALFORMED_STREAM, "the images cannot be understood: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new LongshoreException(Reason.INTERNAL, "the images cannot be read: " + e, e);
    } catch (PageStoreFullException e) {
      throw new LongshoreException(Reason.OUT_OF_MEMORY, String.valueOf(e.getMessage()), e);
    } finally {
      if (!announced) {
        receiving.images().reopen();
      }
    }
    images.complete(null);
  }

  /**
   * Waits for the images, restores the workload and holds it.
   *
   * @return from complete images until held
   * @throws LongshoreException CRIU_RESTORE_FAILED with CRIU's words; ADDRESS_NOT_AVAILABLE;
   *     CANCELLED if aborted
   */
  public Duration restore() {
    CompletableFuture<Duration> outcome;
    synchronized (this) {
      if (!restore.wasOrdered()) {
        require(Phase.PREPARED, "restore");
        phase = Phase.RESTORING;
      }
      outcome = restore.order(this::runRestore);
    }
    Duration held = Step.join(outcome);
    // Asked again before the step: what was held a while ago may have lost who fills it.
    parts().restoration().requireFillable();
    return held;
  }

  /**
   * Lets the held workload run and announces its addresses.
   *
   * @return process id of its root on this host
   */
  public int resume() {
    CompletableFuture<Integer> outcome;
    synchronized (this) {
      if (!resume.wasOrdered()) {
        require(Phase.HELD, "resume");
        phase = Phase.RESUMED;
      }
      outcome = resume.order(this::runResume);
    }
    return Step.join(outcome);
  }

  /**
   * Waits until every page is installed and nothing of the migration is left but the workload.
   *
   * @return demand faults
   * @throws LongshoreException WORKLOAD_LOST if what fills its memory has failed
   */
  public long complete() {
    CompletableFuture<Long> outcome;
    synchronized (this) {
      if (!complete.wasOrdered()) {
        require(Phase.RESUMED, "complete");
      }
      outcome = complete.order(this::runComplete);
    }
    return Step.join(outcome);
  }

  /**
   * Makes sure that the workload will never run here, and removes all that came.
   *
   * @throws LongshoreException ALREADY_RESUMED once it was told to run
   */
  public void abort() {
    CompletableFuture<Phase> outcome;
    synchronized (this) {
      if (!abort.wasOrdered()) {
        if (phase == Phase.ABORTED) {
          return;
        }
        if (!phase.isBeforeStep()) {
          throw new LongshoreException(
              Reason.ALREADY_RESUMED, "the workload was let run on the target");
        }
        phase = Phase.ABORTED;
      }
      outcome = abort.order(this::runAbort);
    }
    Step.join(outcome);
  }

  /** What this migration may still take of the host's memory. */
  synchronized long promisedBytes() {
    return parts == null || phase.isOver()
        ? 0
        : Math.max(0, parts.promisedBytes() - parts.pages().heldBytes());
  }

  private Duration runRestore() throws IOException, InterruptedException {
    Parts with = parts();
    with.addresses().prepare();
    images.join();
    long begin = System.nanoTime();
    with.restoration().start();
    synchronized (this) {
      if (phase != Phase.RESTORING) {
        throw new LongshoreException(Reason.CANCELLED, "the migration was aborted");
      }
      phase = Phase.HELD;
    }
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  private Integer runResume() throws IOException, InterruptedException {
    Parts with = parts();
    long begin = System.nanoTime();
    int pid = with.restoration().go();
    long running = System.nanoTime();
    with.addresses().resume();
    log.info(
        "Migration {}: process {} runs here after {} ms, reachable after {} ms",
        ref.id(),
        pid,
        TimeUnit.NANOSECONDS.toMillis(running - begin),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
    return pid;
  }

  private Long runComplete() throws IOException, InterruptedException {
    Parts with = parts();
    try {
      with.restoration().awaitFilled();
    } catch (IOException e) {
      synchronized (this) {
        phase = Phase.LOST;
      }
      throw new LongshoreException(
          Reason.WORKLOAD_LOST,
          "what fills the workload's memory has failed: " + e.getMessage(),
          e);
    }
    with.addresses().close();
    with.folder().delete();
    with.pages().close();
    synchronized (this) {
      phase = Phase.COMPLETE;
    }
    return with.restoration().demandFaults();
  }

  private Phase runAbort() throws IOException, InterruptedException {
    Parts with = parts();
    images.completeExceptionally(
        new LongshoreException(Reason.CANCELLED, "the migration was aborted"));
    with.restoration().abort();
    restore.awaitEnd();
    with.addresses().withdraw();
    // A chunk that is being written would make a file in the folder while it is removed.
    with.images().seal();
    with.folder().delete();
    with.pages().close();
    log.info("Migration {}: will never run here", ref.id());
    return Phase.ABORTED;
  }

  private Parts parts() {
    if (parts == null) {
      throw new LongshoreException(
          Reason.WRONG_PHASE, "migration " + ref.id() + " was aborted on the target");
    }
    return parts;
  }

  private synchronized Parts receiving() {
    if (!phase.isBeforeStep()) {
      throw new LongshoreException(
          Reason.WRONG_PHASE, "the target takes no images when it is " + phase);
    }
    return parts();
  }

  @GuardedBy("this")
  private void require(Phase wanted, String order) {
    if (phase != wanted) {
      throw new LongshoreException(
          Reason.WRONG_PHASE,
          "cannot %s migration %s: it is %s on the target, not %s"
              .formatted(order, ref.id(), phase, wanted));
    }
  }
}
