package io.longshore.source.departure;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.migration.Step;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuDump;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuTask;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.ProcessTree;
import io.longshore.linux.Task;
import io.longshore.linux.network.TcpSockets;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.pages.Bandwidth;
import io.longshore.source.pages.CpuSteps;
import io.longshore.source.pages.PagePush;
import io.longshore.source.pages.PushProgress;
import io.longshore.source.pages.RoundPolicy;
import io.longshore.source.pages.RoundProgress;
import io.longshore.source.pages.Rounds;
import io.longshore.source.pages.StalePages;
import io.longshore.source.pages.Throttle;
import io.longshore.source.runtime.Leaving;
import io.longshore.source.tracking.DirtyTracker;
import io.longshore.source.tracking.ImagePages;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A workload's way out of this host: the source's part of one migration.
 *
 * <p>Each step can be ordered again and then waits for, or answers with, what the first order led
 * to; {@link #release} and {@link #rollBack} are tried again if they failed. A failure leaves the
 * workload frozen, or running if it never was frozen, until one of these two. What it holds is in
 * the journal and in the kernel, so that a restarted agent takes it up. When it is over nothing is
 * kept that is as large as the workload or its traffic. Thread-safe.
 */
public final class Departure {
  private static final Logger log = LoggerFactory.getLogger(Departure.class);
  private static final Duration ENDED = Duration.ofSeconds(10);

  private final String id;
  private final DepartureJournal journal;
  private final Bandwidth bandwidth;
  private final TargetLink link;
  private final boolean takenUp;
  private final Step<RoundProgress> copy;
  private final Step<FreezeResult> freeze;
  private final Step<Phase> release;
  private final Step<Phase> rollBack;

  /** None when it is over. */
  private volatile @Nullable Parts parts;

  /** None before the first, and when they are closed. */
  private volatile @Nullable Rounds rounds;

  private volatile RoundProgress endOfRounds =
      new RoundProgress(0, 0, 0, 0, 0, 100, RoundProgress.End.NONE);
  private volatile Throttle throttle = Throttle.NONE;
  private volatile String tracker = "";
  private volatile @Nullable CriuDump dump;
  private volatile boolean frozen;

  /**
   * What a departure works with; it owns them.
   *
   * @param leaving what its runtime knows and does
   * @param criu to freeze with; null if it is frozen already
   * @param fence holds the workload's tree
   * @param planes opens data streams when those that there were are broken
   * @param trackers makes what sees the workload write
   */
  record Parts(
      Leaving leaving,
      @Nullable Criu criu,
      CriuFolder folder,
      CgroupFence fence,
      SourceAddresses addresses,
      Supplier<DataPlane> planes,
      Trackers trackers) {}

  /** Chooses what sees the workload write. */
  interface Trackers {
    /**
     * Makes one.
     *
     * @param folder where programs can be run; nothing stays in it
     */
    DirtyTracker in(Path folder) throws IOException;
  }

  /**
   * Prepared.
   *
   * @param plane open
   */
  Departure(DepartureJournal journal, Parts parts, DataPlane plane) {
    this(journal, parts, plane, null, false);
  }

  private Departure(
      DepartureJournal journal,
      Parts parts,
      @Nullable DataPlane plane,
      @Nullable CriuDump dump,
      boolean takenUp) {
    this.id = journal.record().ref().id();
    this.journal = journal;
    this.parts = parts;
    this.bandwidth = new Bandwidth(journal.record().bandwidth().bytesPerSecond());
    this.link = new TargetLink(plane, parts.planes(), this::frozenPages, bandwidth);
    this.dump = dump;
    this.takenUp = takenUp;
    this.copy = new Step<>("copy-" + id);
    this.freeze = new Step<>("freeze-" + id);
    this.release = Step.untilDone("release-" + id);
    this.rollBack = Step.untilDone("roll-back-" + id);
  }

  /**
   * One that an earlier run of the agent had prepared or frozen.
   *
   * @param dump that still runs; null if there is none
   */
  static Departure takenUp(DepartureJournal journal, Parts parts, @Nullable CriuDump dump) {
    Departure departure = new Departure(journal, parts, null, dump, true);
    departure.frozen = departure.mayBeFrozen();
    return departure;
  }

  /**
   * Sets how fast it may send, from now on and, unless the disk is full, after a restart of the
   * agent. What an older order says is not done.
   */
  public void limit(BandwidthLimit limit) {
    synchronized (this) {
      if (limit.revision() < journal.record().bandwidth().revision() || phase().isOver()) {
        return;
      }
      bandwidth.limit(limit.bytesPerSecond());
      // A full disk must not hold up the pages.
      journal.note(record -> record.limited(limit));
    }
    log.info("Migration {}: sends at most {} bytes a second", id, limit.bytesPerSecond());
  }

  /** Where it stands. */
  public Phase phase() {
    return journal.record().phase();
  }

  /** Root of the workload; 0 if the migration is over and was so when the agent started. */
  public int rootPid() {
    return journal.record().root().pid();
  }

  /**
   * Takes note of a newer epoch.
   *
   * @throws LongshoreException JOURNAL_FAILED: the order that brought it must be refused
   */
  void admit(long epoch) {
    if (epoch > journal.record().ref().epoch()) {
      journal.change(record -> epoch > record.ref().epoch() ? record.at(epoch) : record);
      link.admit(epoch);
    }
  }

  /**
   * Begins to freeze the workload and to send its images. While the link is cut, it waits with the
   * former and fails with the latter.
   *
   * @return completes when the target has stored them; or fails with CRIU_DUMP_FAILED and CRIU's
   *     words; LINK_CUT, TRANSFER_BROKEN; CANCELLED if rolled back meanwhile; JOURNAL_FAILED
   * @throws LongshoreException WRONG_PHASE; TRANSFER_BROKEN if an earlier run of the agent does not
   *     tell how it went
   */
  public CompletableFuture<FreezeResult> freeze() {
    if (takenUp) {
      return CompletableFuture.completedFuture(freezeOfAnEarlierRun());
    }
    synchronized (this) {
      if (!freeze.wasOrdered()) {
        require(Phase.PREPARED, "freeze");
        if (copy.wasOrdered() && roundProgress().end() == RoundProgress.End.NONE) {
          throw new LongshoreException(
              Reason.WRONG_PHASE, "cannot freeze migration " + id + ": its rounds have not ended");
        }
      }
      return freeze.order(
          () -> {
            FreezeResult result = new Freeze(id, journal, parts(), link, rounds, this::begun).run();
            frozen = true;
            return result;
          });
    }
  }

  /**
   * Begins to send the memory of the running workload, round after round, as the policy says.
   *
   * @return completes with the last round
   * @throws LongshoreException WRONG_PHASE
   */
  public CompletableFuture<RoundProgress> copy(RoundPolicy policy) {
    synchronized (this) {
      if (!copy.wasOrdered()) {
        require(Phase.PREPARED, "copy");
        if (policy.throttles()) {
          throttle = new CpuSteps(id, parts().folder().work(), rootPid(), this::processes);
        }
      }
      return copy.order(
          () -> {
            var channels = link.plane().pages();
            Parts with = parts();
            DirtyTracker chosen = with.trackers().in(with.folder().work());
            ImagePages images;
            try {
              images = ImagePages.forThisKernel();
            } catch (IOException e) {
              chosen.close();
              throw e;
            }
            Rounds begun =
                new Rounds(id, chosen, images, this::processes, channels, bandwidth, throttle);
            tracker = chosen.name();
            rounds = begun;
            return begun.run(policy);
          });
    }
  }

  /**
   * Whether somebody follows the rounds, and they can get on: a workload that they slow has all its
   * time otherwise.
   */
  public void follow(boolean followed) throws IOException {
    throttle.want(followed);
  }

  /** How it is known what is written in rounds; empty before the first. */
  public String tracker() {
    return tracker;
  }

  /** How far the rounds are. */
  public RoundProgress roundProgress() {
    Rounds begun = rounds;
    return begun == null ? endOfRounds : begun.progress();
  }

  /**
   * Begins to send every stale page; again, over new streams, if that failed. A cut link only
   * delays it.
   *
   * @param resumed whether the workload runs on the target
   * @return completes when nothing is stale on the target
   * @throws LongshoreException WRONG_PHASE, WORKLOAD_LOST, TRANSFER_BROKEN
   */
  public CompletableFuture<Void> push(boolean resumed) throws InterruptedException, IOException {
    synchronized (this) {
      requireFrozen("push");
    }
    if (isGone()) {
      throw lost();
    }
    return link.connected().start(resumed);
  }

  /** How far the push is. */
  public PushProgress pushProgress() {
    PagePush push = link.push();
    return push == null ? new PushProgress(0, 0, 0, 0) : push.progress();
  }

  /** How long the way to the target has been cut; zero if it is not. */
  public Duration linkBrokenFor() {
    return link.brokenFor();
  }

  /** Bytes of messages on all data streams. */
  public long bytesOnWire() {
    return link.bytesOnWire();
  }

  /**
   * Ends the frozen copy. Only when the workload runs on the target and nothing is stale there.
   *
   * @param abandoned an operator decided that it ends even so
   * @throws LongshoreException WRONG_PHASE if pages are still to be sent; JOURNAL_FAILED, and
   *     nothing was done
   */
  public void release(boolean abandoned) {
    CompletableFuture<Phase> outcome;
    synchronized (this) {
      Phase now = phase();
      if (now == Phase.RELEASED || now == Phase.LOST) {
        return;
      }
      if (!release.wasOrdered() && now != Phase.RELEASING) {
        requireFrozen("release");
        // One that was taken up sends again what the target has, and does not know that it has.
        if (!link.hasSentAll() && !takenUp && !abandoned) {
          throw new LongshoreException(
              Reason.WRONG_PHASE,
              "cannot release migration " + id + ": the target does not have all pages yet");
        }
      }
      outcome = release.order(this::runRelease);
    }
    var _ = Step.join(outcome);
  }

  /**
   * Lets the workload run on as if nothing had happened. Only when the target will never run it.
   *
   * @throws LongshoreException WRONG_PHASE if it was released; WORKLOAD_LOST if there is nothing
   *     left that could run on
   */
  public void rollBack() {
    CompletableFuture<Phase> outcome;
    synchronized (this) {
      Phase now = phase();
      if (now == Phase.ROLLED_BACK) {
        return;
      }
      if (now == Phase.LOST) {
        throw lost();
      }
      if (release.wasOrdered() || now == Phase.RELEASING || now == Phase.RELEASED) {
        throw new LongshoreException(
            Reason.WRONG_PHASE, "migration " + id + " was released on the source");
      }
      outcome = rollBack.order(this::runRollBack);
    }
    if (Step.join(outcome) == Phase.LOST) {
      throw lost();
    }
  }

  /** Lets the workload run on if nobody has ordered to freeze it. */
  void rollBackUnlessFreezing() {
    synchronized (this) {
      if (phase() != Phase.PREPARED || freeze.wasOrdered()) {
        return;
      }
      var _ = rollBack.order(this::runRollBack);
    }
    rollBack();
  }

  /**
   * Finishes what an earlier run of the agent had begun, as far as that may be decided here: what
   * was not frozen runs on, what was ordered is done. What is frozen stays so.
   */
  void settle() throws IOException {
    switch (phase()) {
      case PREPARED, ROLLING_BACK -> rollBack();
      case RELEASING -> release(false);
      case FREEZING, FROZEN -> {
        Parts with = parts();
        if (with.fence().freezeRequested()) {
          with.addresses().seal();
        } else if (!isGone()) {
          // Never fenced, so the target has no complete images; or thawed by a roll-back.
          rollBack();
        }
      }
      case RELEASED, ROLLED_BACK, LOST -> {}
    }
  }

  /**
   * Opens the way to the target again for a tree that is frozen: answers demands, and sends all
   * pages. Nobody may order the push again, if it was complete before this agent was restarted; and
   * the target may have been restarted since and lack what it had stored. Returns when that is
   * done, or there is nothing to be done.
   */
  void reconnect() throws InterruptedException, IOException {
    synchronized (this) {
      if (!frozen || !mayBeFrozen() || rollBack.wasOrdered() || release.wasOrdered()) {
        return;
      }
    }
    if (!isGone()) {
      link.pushUntilDone();
    }
  }

  private void endRounds() {
    Rounds begun = rounds;
    if (begun != null) {
      begun.close();
      endOfRounds = begun.progress();
      rounds = null;
    }
  }

  private Map<Integer, Integer> processes() throws IOException {
    Map<Integer, Integer> processes = new HashMap<>();
    for (Task task : ProcessTree.of(rootPid()).tasks()) {
      if (task.alive()) {
        processes.put(task.pid(), task.ownPid());
      }
    }
    return processes;
  }

  private synchronized void begun(CriuDump started) {
    dump = started;
    if (rollBack.wasOrdered()) {
      throw new LongshoreException(Reason.CANCELLED, "the migration was rolled back");
    }
  }

  private FreezeResult freezeOfAnEarlierRun() {
    synchronized (this) {
      requireFrozen("freeze");
    }
    FreezeResult result = journal.record().frozen();
    if (result == null) {
      throw new LongshoreException(
          Reason.TRANSFER_BROKEN,
          "the source-agent was restarted before the target was known to have the images");
    }
    return result;
  }

  private StalePages frozenPages() throws IOException {
    Parts with = parts();
    return new StalePages(
        FrozenTree.of(with.folder().images(), ProcessTree.of(rootPid()), with.fence()).pages());
  }

  private Phase runRelease() throws IOException, InterruptedException {
    long begin = System.nanoTime();
    Parts with = parts();
    journal.change(record -> record.in(Phase.RELEASING));
    CriuDump dumped = dump;
    if (dumped != null) {
      try {
        dumped.closePageServer(ENDED);
      } catch (IOException e) {
        log.warn("Migration {}: CRIU did not end well; killing it", id, e);
        dumped.kill();
      }
    }
    endCriu(with);
    long criuEnded = System.nanoTime();
    with.leaving().thawing();
    with.fence().kill(ENDED);
    // Not before: to take the protection away costs time, and blocks who reads the memory.
    endRounds();
    long treeEnded = System.nanoTime();
    with.addresses().release();
    long addressesGone = System.nanoTime();
    link.finish();
    long streamsEnded = System.nanoTime();
    with.fence().dissolve();
    with.leaving().released();
    with.folder().delete();
    journal.note(record -> record.in(Phase.RELEASED));
    parts = null;
    log.info(
        "Migration {}: released: CRIU ended after {} ms, the tree after {} ms, addresses gone after {} ms, streams"
            + " ended after {} ms, nothing left after {} ms",
        id,
        TimeUnit.NANOSECONDS.toMillis(criuEnded - begin),
        TimeUnit.NANOSECONDS.toMillis(treeEnded - begin),
        TimeUnit.NANOSECONDS.toMillis(addressesGone - begin),
        TimeUnit.NANOSECONDS.toMillis(streamsEnded - begin),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
    return Phase.RELEASED;
  }

  private Phase runRollBack() throws IOException, InterruptedException {
    Parts with = parts();
    // Ends every wait for the network; CRIU itself is let finish its freeze, which is short, and
    // then turned back.
    link.cancel();
    bandwidth.limit(0);
    throttle.close();
    copy.awaitEnd();
    freeze.awaitEnd();
    link.cancel();
    endRounds();
    CriuDump dumped = dump;
    if (dumped != null) {
      dumped.abort(ENDED);
    }
    endCriu(with);
    boolean gone = isGone();
    if (!gone) {
      journal.note(record -> record.in(Phase.ROLLING_BACK));
    }
    // A dump that ends after its images were written leaves connections unable to send and receive.
    for (int pid : with.fence().processes()) {
      TcpSockets.endRepair(pid);
    }
    with.addresses().rollBack();
    with.leaving().thawing();
    with.fence().thaw();
    with.fence().dissolve();
    with.folder().delete();
    Phase end = gone ? Phase.LOST : Phase.ROLLED_BACK;
    journal.note(record -> record.in(end));
    parts = null;
    if (gone) {
      log.error("Migration {}: the frozen copy of process {} is gone", id, rootPid());
    } else {
      log.info("Migration {}: rolled back, process {} runs on", id, rootPid());
    }
    return end;
  }

  /**
   * Whether a tree that was frozen, or may have been, has ended. One that ran may end as it likes.
   */
  private boolean isGone() throws IOException {
    return mayBeFrozen() && !journal.record().root().isAlive();
  }

  /** Whatever is left of it; the tree would be held by it, dead or alive. */
  private void endCriu(Parts with) throws IOException {
    for (CriuTask task : CriuTask.below(with.folder().path())) {
      log.warn("Migration {}: ending {}, which is left over", id, task);
      task.kill();
    }
  }

  private Parts parts() {
    Parts now = parts;
    if (now == null) {
      throw new LongshoreException(
          Reason.WRONG_PHASE, "migration %s is over on the source".formatted(id));
    }
    return now;
  }

  private boolean mayBeFrozen() {
    return switch (phase()) {
      case FREEZING, FROZEN -> true;
      case PREPARED, RELEASING, RELEASED, ROLLING_BACK, ROLLED_BACK, LOST -> false;
    };
  }

  /** That it is, is known before it is written down. */
  @GuardedBy("this")
  private void requireFrozen(String order) {
    if (phase() == Phase.LOST) {
      throw lost();
    }
    if (!frozen || !mayBeFrozen() || rollBack.wasOrdered()) {
      require(Phase.FROZEN, order);
    }
  }

  private LongshoreException lost() {
    return new LongshoreException(
        Reason.WORKLOAD_LOST,
        "the frozen copy of migration %s is gone from the source: its processes were killed, or its host was restarted"
            .formatted(id));
  }

  @GuardedBy("this")
  private void require(Phase wanted, String order) {
    if (phase() != wanted || rollBack.wasOrdered()) {
      throw new LongshoreException(
          Reason.WRONG_PHASE,
          "cannot %s migration %s: it is %s on the source, not %s"
              .formatted(order, id, phase(), wanted));
    }
  }
}
