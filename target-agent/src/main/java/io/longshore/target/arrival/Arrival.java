package io.longshore.target.arrival;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.copy.CopyEnd;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.migration.Step;
import io.longshore.criu.image.ImageFormatException;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.images.AnnouncedPages;
import io.longshore.target.images.ImageFolder;
import io.longshore.target.network.AddressArrival;
import io.longshore.target.pages.DemandFaults;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageStore;
import io.longshore.target.pages.PageStoreFullException;
import io.longshore.target.restore.Restoration;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
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
 * #resume} was ordered there is no way back, but an operator who abandons a side. Thread-safe.
 */
public final class Arrival {
  private static final Logger log = LoggerFactory.getLogger(Arrival.class);

  /** How long no page must have come before those that are missing never do. */
  private static final Duration QUIET = Duration.ofSeconds(3);

  /** Far more than a source opens. */
  private static final int MOST_STREAMS = 256;

  private final MigrationRef ref;
  private final byte[] secret;

  /** Whether nothing is known of it but how it ended: it never had parts here. */
  private final boolean onlyEnded;

  /** Whether an earlier agent has let it run. */
  private final boolean takenUp;

  /** None if it never had any, or if it never will run here and they were removed. */
  @GuardedBy("this")
  private @Nullable Parts parts;

  /** Data streams that this agent knows, and what it has stored of them. */
  @GuardedBy("this")
  private final Set<String> streams = new HashSet<>();

  /** What an earlier agent left, instead of parts. */
  private final @Nullable FoundCopy found;

  /** Held while what is of a migration is removed, at its good end or its bad one. */
  private final Object removing = new Object();

  private final CompletableFuture<Void> images = new CompletableFuture<>();

  @GuardedBy("this")
  private Phase phase = Phase.PREPARED;

  @GuardedBy("this")
  private boolean abandoned;

  private final Step<Boolean> prepare;
  private final Step<Duration> restore;
  private final Step<Integer> resume;
  private final Step<DemandFaults> complete;
  private final Step<Phase> abort;
  private final Step<Boolean> giveUp;
  private final Step<Phase> end;

  /**
   * What an arrival works with; it owns them.
   *
   * @param promisedBytes the most memory the migration may take here
   */
  public record Parts(
      CriuFolder folder,
      ArrivalNotes notes,
      ImageFolder images,
      PageStore pages,
      Demands demands,
      Restoration restoration,
      AddressArrival addresses,
      long promisedBytes) {
    /**
     * What is still used when every page is installed: packets come until the source is released,
     * and an operator may yet abandon the copy. The rest is as large as the workload.
     */
    private Parts ofWhole() {
      ImageFolder noImages = new ImageFolder(folder.images(), 0);
      noImages.seal();
      PageStore noPages = new PageStore(0);
      Restoration running =
          Restoration.ofRunning(
              restoration.coming(), folder, noPages, demands, restoration.processes());
      running.noteFilled();
      return new Parts(folder, notes, noImages, noPages, demands, running, addresses, 0);
    }
  }

  /** Ready to receive. */
  public Arrival(MigrationRef ref, Parts parts) {
    this(ref, parts, null, Phase.PREPARED);
  }

  /**
   * One that an earlier agent has let run, and that this one fills. What that agent had stored and
   * not installed is gone: the source sends all pages again.
   */
  static Arrival takenUp(MigrationRef ref, Parts parts) {
    return new Arrival(ref, parts, null, Phase.RESUMED);
  }

  private Arrival(MigrationRef ref, @Nullable Parts parts, @Nullable FoundCopy found, Phase phase) {
    this.ref = ref;
    this.parts = parts;
    this.found = found;
    this.phase = phase;
    this.prepare = new Step<>("prepare-" + ref.id());
    this.restore = new Step<>("restore-" + ref.id());
    this.resume = Step.untilDone("resume-" + ref.id());
    this.complete = Step.untilDone("complete-" + ref.id());
    this.abort = Step.untilDone("abort-" + ref.id());
    this.giveUp = new Step<>("give-up-" + ref.id());
    this.end = Step.untilDone("end-" + ref.id());
    this.onlyEnded = parts == null && found == null;
    this.takenUp = parts != null && phase == Phase.RESUMED;
    this.secret = parts == null ? new byte[0] : parts.notes().secret();
  }

  /** One that never was: the workload will never run here. */
  static Arrival aborted(MigrationRef ref) {
    return new Arrival(ref, null, null, Phase.ABORTED);
  }

  /** One that an earlier agent has completed: the workload runs here, and nothing else is left. */
  static Arrival completed(MigrationRef ref) {
    return new Arrival(ref, null, null, Phase.COMPLETE);
  }

  /** What an earlier agent left. */
  static Arrival found(MigrationRef ref, FoundCopy copy) {
    return new Arrival(ref, null, copy, copy.phase());
  }

  /** The migration, with the epoch in which it came here. */
  MigrationRef ref() {
    return ref;
  }

  /** Opens the data streams; empty if there are none. */
  public byte[] secret() {
    return secret.clone();
  }

  /**
   * Admits a stream.
   *
   * @param again whether it goes on in the place of one of the same name
   * @throws LongshoreException TARGET_RESTARTED if it does, and that one's was an agent which is
   *     gone; MALFORMED_STREAM if there are far too many; WRONG_PHASE if it was aborted
   */
  public synchronized void admitStream(String name, boolean again) {
    var _ = parts();
    if (again && !streams.contains(name)) {
      throw new LongshoreException(
          Reason.TARGET_RESTARTED,
          "the target-agent was restarted and does not have what was stored over %s of migration %s"
              .formatted(name, ref.id()));
    }
    if (streams.size() >= MOST_STREAMS && !streams.contains(name)) {
      throw new LongshoreException(
          Reason.MALFORMED_STREAM, "more than " + MOST_STREAMS + " streams have a number");
    }
    streams.add(name);
  }

  /** Where it stands. */
  public synchronized Phase phase() {
    return phase;
  }

  /** Whether nothing more will happen, and nothing is left that must be removed. */
  synchronized boolean isOver() {
    return phase.isOver() && (parts == null || phase == Phase.COMPLETE);
  }

  /** Where images go. */
  public ImageFolder images() {
    return receiving().images();
  }

  /** Where pages go. */
  public PageStore pages() {
    Phase now = phase();
    if (now.isOver() || end.wasOrdered()) {
      throw new LongshoreException(
          Reason.WRONG_PHASE, "the target takes no pages when it is " + now);
    }
    return parts().pages();
  }

  /**
   * Nothing but an operator's decision is taken for a copy that waits for what an earlier agent
   * had.
   *
   * @throws LongshoreException WRONG_PHASE
   */
  void refuseIfStranded() {
    if (found != null && phase() == Phase.STRANDED) {
      throw found.refusal();
    }
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
   * @param roundPages how many of these came in rounds and are not stale
   * @throws LongshoreException MALFORMED_STREAM if they cannot be understood
   */
  public void imagesComplete(int count, long bytes, long roundPages) {
    Parts receiving = receiving();
    receiving.images().complete(count, bytes);
    boolean announced = false;
    try {
      AnnouncedPages.announce(receiving.images().path(), receiving.pages(), roundPages);
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
   * Makes all that can be made before the freeze and takes time.
   *
   * @throws LongshoreException RUNTIME_FAILED, RUNTIME_INCOMPATIBLE; WRONG_PHASE if it was aborted
   */
  void prepare() {
    CompletableFuture<Boolean> outcome;
    synchronized (this) {
      if (!prepare.wasOrdered()) {
        require(Phase.PREPARED, "prepare");
      }
      outcome = prepare.order(this::runPrepare);
    }
    Step.join(outcome);
  }

  /**
   * Waits for the images, restores the workload and holds it.
   *
   * @param linkPatience how long the link to the source may be cut while it is restored and pages
   *     are missing; that of the first order holds
   * @return from complete images until held
   * @throws LongshoreException CRIU_RESTORE_FAILED with CRIU's words; ADDRESS_NOT_AVAILABLE;
   *     LINK_CUT; CANCELLED if aborted
   */
  public Duration restore(Duration linkPatience) {
    refuseIfStranded();
    CompletableFuture<Duration> outcome;
    synchronized (this) {
      if (!restore.wasOrdered()) {
        require(Phase.PREPARED, "restore");
        phase = Phase.RESTORING;
      }
      outcome = restore.order(() -> runRestore(linkPatience));
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
   * @throws LongshoreException CRIU_RESTORE_FAILED if that cannot be: it never ran and never will,
   *     and can be aborted; RAN_IN_PART if some of it may have run
   */
  public int resume() {
    refuseIfStranded();
    CompletableFuture<Integer> outcome;
    synchronized (this) {
      refuseIfEnding("resume");
      if (phase == Phase.ABORTED) {
        throw new LongshoreException(
            Reason.CRIU_RESTORE_FAILED,
            "migration %s never ran on the target and never will: it was ended there"
                .formatted(ref.id()));
      }
      if (!resume.wasOrdered()) {
        require(found == null && !takenUp ? Phase.HELD : Phase.RESUMED, "resume");
        phase = Phase.RESUMED;
      }
      outcome = resume.order(this::runResume);
    }
    return Step.join(outcome);
  }

  /**
   * Waits until every page is installed and nothing of the migration is left but the workload.
   *
   * @param sourceAbandoned an operator decided that pages that have not come never will
   * @return demand faults
   * @throws LongshoreException FILLING_FAILED if what fills its memory has failed: the workload is
   *     dead then, and the source still has it as it was at the freeze; WORKLOAD_LOST if the source
   *     is abandoned and pages never come: nothing of the workload is left then
   */
  public DemandFaults complete(boolean sourceAbandoned) {
    if (!sourceAbandoned) {
      refuseIfStranded();
    }
    CompletableFuture<DemandFaults> outcome;
    synchronized (this) {
      if (phase == Phase.COMPLETE && onlyEnded) {
        // How many there were is not known any more.
        return DemandFaults.NONE;
      }
      if (!complete.wasOrdered()) {
        refuseIfEnding("complete");
        if (phase != Phase.STRANDED) {
          require(Phase.RESUMED, "complete");
        }
      }
      if (sourceAbandoned && parts != null) {
        var _ = giveUp.order(this::runGiveUp);
      }
      outcome = complete.order(this::runComplete);
    }
    return Step.join(outcome);
  }

  /**
   * Makes sure that the workload will never run here, and removes all that came.
   *
   * @param byOperator an operator has abandoned this copy: it ends even if it was told to run
   * @throws LongshoreException ALREADY_RESUMED once it was told to run
   */
  public void abort(boolean byOperator) {
    CompletableFuture<Phase> outcome;
    synchronized (this) {
      if (abort.wasOrdered()) {
        outcome = abort.order(this::runAbort);
      } else if (phase.isBeforeStep()) {
        phase = Phase.ABORTED;
        outcome = abort.order(this::runAbort);
      } else if (phase == Phase.ABORTED && onlyEnded) {
        return;
      } else if ((byOperator && !onlyEnded) || phase == Phase.ABORTED) {
        abandoned = true;
        outcome = end.order(this::runEnd);
      } else {
        throw new LongshoreException(
            Reason.ALREADY_RESUMED, "the workload was let run on the target");
      }
    }
    Step.join(outcome);
  }

  /** What this migration may still take of the host's memory. */
  synchronized long promisedBytes() {
    return parts == null || phase.isOver()
        ? 0
        : Math.max(0, parts.promisedBytes() - parts.pages().heldBytes());
  }

  private Boolean runPrepare() throws IOException, InterruptedException {
    parts().restoration().coming().prepare();
    return true;
  }

  private Duration runRestore(Duration linkPatience) throws IOException, InterruptedException {
    Parts with = parts();
    with.notes().keepers(List.of(with.restoration().prepare()));
    with.addresses().prepare(with.notes()::addresses);
    images.join();
    long begin = System.nanoTime();
    with.restoration().start(linkPatience);
    synchronized (this) {
      if (phase != Phase.RESTORING) {
        throw new LongshoreException(Reason.CANCELLED, "the migration was aborted");
      }
      phase = Phase.HELD;
    }
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  private Integer runResume() throws IOException, InterruptedException {
    if (found != null) {
      return found.resume();
    }
    Parts with = parts();
    if (takenUp) {
      with.addresses().resume();
      return with.restoration().processes().getFirst().pid();
    }
    long begin = System.nanoTime();
    int pid;
    try {
      // They were looked at and written down since they are held; most often that is over.
      List<Member> processes = with.restoration().processes();
      log.debug("Migration {}: {} are about to run", ref.id(), processes);
      with.notes().resumed();
      with.addresses().letOut();
      pid = with.restoration().go();
    } catch (LongshoreException e) {
      if (e.reason() == Reason.CRIU_RESTORE_FAILED) {
        takeBack(with);
      }
      throw e;
    }
    long running = System.nanoTime();
    with.addresses().resume();
    with.restoration().coming().running();
    log.info(
        "Migration {}: process {} runs here after {} ms, reachable after {} ms",
        ref.id(),
        pid,
        TimeUnit.NANOSECONDS.toMillis(running - begin),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
    return pid;
  }

  /**
   * It could not be let run and never will be: it can be given back. Nothing is said to its clients
   * meanwhile.
   */
  private void takeBack(Parts with) throws IOException {
    with.addresses().silence();
    with.notes().neverRan();
    synchronized (this) {
      if (phase == Phase.RESUMED) {
        phase = Phase.HELD;
      }
    }
  }

  private DemandFaults runComplete() throws IOException, InterruptedException {
    if (found != null) {
      return completeFound(found);
    }
    Parts with = parts();
    try {
      with.restoration().awaitFilled();
    } catch (IOException e) {
      if (giveUp.wasOrdered()) {
        throw lost("pages were on the source, which was abandoned: " + e.getMessage(), e);
      }
      throw new LongshoreException(
          Reason.FILLING_FAILED,
          "the workload was ended on the target, for its missing pages cannot be filled any more: "
              + e.getMessage(),
          e);
    }
    synchronized (removing) {
      synchronized (this) {
        refuseIfEnding("complete");
      }
      Parts whole = with.ofWhole();
      with.addresses().close();
      with.notes().over(true);
      with.notes().close();
      with.folder().delete();
      with.pages().close();
      synchronized (this) {
        phase = Phase.COMPLETE;
        parts = whole;
      }
    }
    return with.restoration().demandFaults();
  }

  private DemandFaults completeFound(FoundCopy copy) throws IOException {
    if (phase() != Phase.RESUMED) {
      throw lost("pages were with an agent that is gone, and the source is too", null);
    }
    synchronized (removing) {
      copy.complete();
      synchronized (this) {
        phase = Phase.COMPLETE;
      }
    }
    // How many there were is not known any more.
    return DemandFaults.NONE;
  }

  private Boolean runGiveUp() throws InterruptedException {
    parts().restoration().giveUpUnlessFilled(QUIET);
    return true;
  }

  /** Ends what cannot be whole any more. */
  private LongshoreException lost(String why, @Nullable Throwable cause) {
    CompletableFuture<Phase> ended;
    synchronized (this) {
      ended = end.order(this::runEnd);
    }
    Step.join(ended);
    synchronized (this) {
      if (!abandoned) {
        phase = Phase.LOST;
      }
    }
    return new LongshoreException(Reason.WORKLOAD_LOST, why, cause);
  }

  /** Ends a copy that was let run. */
  private Phase runEnd() throws IOException, InterruptedException {
    // Else it might be let run after it was killed.
    resume.awaitEnd();
    synchronized (removing) {
      if (found != null) {
        found.end();
      } else {
        endOwn(parts());
      }
      synchronized (this) {
        phase = Phase.ABORTED;
        letGo();
      }
    }
    log.info("Migration {}: was ended here and will never run again", ref.id());
    return Phase.ABORTED;
  }

  private static void endOwn(Parts with) throws IOException, InterruptedException {
    CopyEnd copy = with.notes().end();
    copy.endProcesses();
    with.restoration().kill();
    with.restoration().coming().remove();
    // Nothing that could read zeros is left.
    with.restoration().close();
    with.addresses().withdraw();
    // A chunk that is being written would make a file in the folder while it is removed.
    with.images().seal();
    with.notes().over(false);
    with.notes().close();
    copy.removeTraces();
    with.pages().close();
  }

  private Phase runAbort() throws IOException, InterruptedException {
    Parts with = parts();
    with.restoration().abort();
    // A restore that waits for them is refused now.
    images.complete(null);
    restore.awaitEnd();
    prepare.awaitEnd();
    with.addresses().withdraw();
    // A chunk that is being written would make a file in the folder while it is removed.
    with.images().seal();
    with.notes().over(false);
    with.notes().close();
    with.folder().delete();
    with.pages().close();
    synchronized (this) {
      letGo();
    }
    log.info("Migration {}: will never run here", ref.id());
    return Phase.ABORTED;
  }

  /** Only how it ended is remembered: what it had is as large as the workload. */
  @GuardedBy("this")
  private void letGo() {
    parts = null;
    streams.clear();
  }

  private synchronized Parts parts() {
    refuseIfStranded();
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
  private void refuseIfEnding(String order) {
    if (end.wasOrdered()) {
      throw new LongshoreException(
          Reason.WRONG_PHASE,
          "cannot %s migration %s: it is ended on the target".formatted(order, ref.id()));
    }
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
