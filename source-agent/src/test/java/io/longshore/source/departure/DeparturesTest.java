package io.longshore.source.departure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.agent.journal.Journal;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.criu.CriuVersion;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.CgroupHierarchy;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.value.HostPort;
import io.longshore.source.images.ImageChannel;
import io.longshore.source.pages.PageChannel;
import io.longshore.source.pages.RoundPolicy;
import io.longshore.source.pages.RoundProgress;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.source.runtime.Leaving;
import io.longshore.source.runtime.PlainProcesses;
import io.longshore.source.runtime.RootProcess;
import io.longshore.source.tracking.DirtyTracker;
import io.longshore.source.tracking.WrittenPages;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With a real process behind a real fence, and a data plane of the test. */
@Timeout(60)
final class DeparturesTest {
  private static final TransferTarget TARGET =
      new TransferTarget(new HostPort("127.0.0.1", 1), new byte[] {1, 2, 3});

  private final AtomicInteger made = new AtomicInteger();
  private final AtomicInteger waiting = new AtomicInteger();
  private final String id = "departures-test-" + ProcessHandle.current().pid();

  @TempDir Path folder;
  private Journal journal;
  private Departures departures;
  private Plane plane = new Plane();
  private WeakReference<SourceAddresses> addresses = new WeakReference<>(null);
  private WeakReference<DirtyTracker> tracker = new WeakReference<>(null);
  private int pid;

  /** Of the last that was taken up. */
  private @Nullable WatchedLeaving watched;

  @BeforeEach
  void startWorkload() throws Exception {
    journal = Journal.open(folder.resolve("journal"));
    departures = new Departures(new Factory(), (ref, target) -> plane, journal);
    pid = (int) new ProcessBuilder("sleep", "60").start().pid();
  }

  @AfterEach
  void end() {
    plane.opened.countDown();
    departures.stop();
    journal.close();
    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
  }

  @Test
  void preparesOnceHoweverOftenItIsOrdered() {
    prepare(id, 1, pid);
    prepare(id, 1, pid);
    prepare(id, 2, pid);
    assertThat(made).hasValue(1);
    assertThat(departures.get(ref(id, 2)).phase()).isEqualTo(Phase.PREPARED);
    assertRefused(() -> prepare(id, 1, pid), Reason.STALE_EPOCH);
  }

  @Test
  void doesNotTakeAnotherProcessForTheOneThatWasPrepared() {
    prepare(id, 1, pid);
    prepare(id, 1, pid + 1);
    assertThat(departures.get(ref(id, 1)).rootPid()).isEqualTo(pid);
    assertRefused(() -> prepare(id + "b", 1, pid), Reason.WORKLOAD_BUSY);
  }

  @Test
  void refusesAWorkloadThatIsPartOfAnotherMigrationUntilThatIsOver() {
    prepare(id, 1, pid);
    assertRefused(() -> prepare(id + "b", 1, pid), Reason.WORKLOAD_BUSY);
    departures.rollBack(ref(id, 1));
    plane = new Plane();
    prepare(id + "c", 1, pid);
    assertThat(made).hasValue(2);
  }

  @Test
  void oneOfTwoThatWantAProcessAtOnceGetsIt() throws Exception {
    plane.opened = new CountDownLatch(1);
    AtomicInteger refused = new AtomicInteger();
    List<Thread> orders =
        List.of("x", "y", "z").stream()
            .map(
                name ->
                    Thread.ofPlatform()
                        .start(
                            () -> {
                              try {
                                prepare(id + name, 1, pid);
                              } catch (LongshoreException e) {
                                assertThat(e.reason()).isEqualTo(Reason.WORKLOAD_BUSY);
                                refused.incrementAndGet();
                              }
                            }))
            .toList();
    await().until(() -> refused.get() == 2);
    plane.opened.countDown();
    for (Thread order : orders) {
      order.join();
    }
    assertThat(made).hasValue(1);
  }

  @Test
  void aRollBackOfWhatIsNotKnownMakesALatePrepareFail() {
    departures.rollBack(ref(id, 1));
    departures.rollBack(ref(id, 1));
    assertRefused(() -> prepare(id, 1, pid), Reason.WRONG_PHASE);
    assertThat(made).hasValue(0);
    assertThat(departures.find(ref(id, 1))).isEmpty();
  }

  @Test
  void aRollBackEndsAPrepareThatWaitsForTheTarget() throws Exception {
    plane.opened = new CountDownLatch(1);
    Thread order =
        Thread.ofPlatform().start(() -> assertThatThrownBy(() -> prepare(id, 1, pid)).isNotNull());
    await().until(() -> waiting.get() == 1);
    Thread rollBack = Thread.ofPlatform().start(() -> departures.rollBack(ref(id, 1)));
    assertThat(rollBack.join(Duration.ofSeconds(10))).isTrue();
    order.join();
    assertThat(plane.cancelled).isGreaterThanOrEqualTo(1);
  }

  @Test
  void aRollBackFindsWhatWasPreparedJustBefore() {
    for (int round = 0; round < 20; round++) {
      String name = id + "-" + round;
      plane = new Plane();
      plane.opened = new CountDownLatch(1);
      int before = waiting.get();
      Thread order =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      prepare(name, 1, pid);
                    } catch (RuntimeException e) {
                      assertThat(e).isInstanceOf(RuntimeException.class);
                    }
                  });
      await().until(() -> waiting.get() > before);
      plane.opened.countDown();
      departures.rollBack(ref(name, 1));
      assertThat(departures.find(ref(name, 1)).map(Departure::phase).orElse(Phase.ROLLED_BACK))
          .isEqualTo(Phase.ROLLED_BACK);
      assertThat(order).isNotNull();
    }
  }

  @Test
  void aFailedPrepareAnswersTheSameAgainUntilItIsRolledBack() {
    plane.opened = new CountDownLatch(0);
    assertThatThrownBy(() -> prepare(id, 1, -5)).hasMessageContaining("no process");
    assertThatThrownBy(() -> prepare(id, 1, -5)).hasMessageContaining("no process");
    assertRefused(() -> departures.get(ref(id, 1)), Reason.NOT_FOUND);
    departures.rollBack(ref(id, 1));
  }

  /** An agent remembers thousands of them. */
  @Test
  void ofOneThatWasRolledBackOnlyItsEndIsKept() {
    prepare(id, 1, pid);
    Departure departure = departures.get(ref(id, 1));
    departure.copy(new RoundPolicy(Duration.ofSeconds(1), 3, false)).join();
    assertThat(tracker.refersTo(null)).isFalse();
    assertThat(departure.bytesOnWire()).isEqualTo(Plane.BYTES);
    departures.rollBack(ref(id, 1));
    WeakReference<Plane> streams = new WeakReference<>(plane);
    plane = new Plane();
    assertForgotten(streams);
    assertForgotten(addresses);
    assertForgotten(tracker);
    assertThat(departure.phase()).isEqualTo(Phase.ROLLED_BACK);
    assertThat(departure.bytesOnWire()).isEqualTo(Plane.BYTES);
    assertThat(departure.roundProgress().end()).isEqualTo(RoundProgress.End.CONVERGED);
    assertThat(departure.linkBrokenFor()).isZero();
    assertRefused(departure::freeze, Reason.WRONG_PHASE);
    assertRefused(() -> departures.release(ref(id, 1), true), Reason.WRONG_PHASE);
    departures.rollBack(ref(id, 1));
  }

  @Test
  void ofOneThatWasReleasedOnlyItsEndIsKept() throws Exception {
    freezeAndRestart();
    departures.release(ref(id, 1), true);
    assertForgotten(addresses);
    assertThat(departures.phase(ref(id, 1))).contains(Phase.RELEASED);
    departures.release(ref(id, 1), false);
    assertRefused(() -> departures.rollBack(ref(id, 1)), Reason.WRONG_PHASE);
    assertRefused(() -> departures.get(ref(id, 1)).push(true), Reason.WRONG_PHASE);
  }

  @Test
  void ofOneThatCouldNotBePreparedNoStreamIsKept() {
    assertThatThrownBy(() -> prepare(id, 1, -5)).hasMessageContaining("no process");
    WeakReference<Plane> streams = new WeakReference<>(plane);
    plane = new Plane();
    assertForgotten(streams);
    departures.rollBack(ref(id, 1));
  }

  private static void assertForgotten(WeakReference<?> part) {
    await()
        .untilAsserted(
            () -> {
              System.gc();
              assertThat(part.refersTo(null)).isTrue();
            });
  }

  @Test
  void letsRunOnWhatWasPreparedWhenTheAgentStops() {
    prepare(id, 1, pid);
    departures.stop();
    assertThat(departures.get(ref(id, 1)).phase()).isEqualTo(Phase.ROLLED_BACK);
    assertThat(ProcessHandle.of(pid)).isPresent();
  }

  private void restart() {
    departures = new Departures(new Factory(), (ref, target) -> plane, journal);
    departures.start();
  }

  @Test
  void aRestartLetsRunOnWhatWasPreparedAndRefusesLateOrders() {
    prepare(id, 1, pid);
    restart();
    assertThat(departures.phase(ref(id, 1))).contains(Phase.ROLLED_BACK);
    assertRefused(() -> prepare(id, 1, pid), Reason.WRONG_PHASE);
    assertRefused(() -> departures.get(ref(id, 1)).freeze(), Reason.WRONG_PHASE);
    departures.rollBack(ref(id, 1));
    plane = new Plane();
    prepare(id + "b", 1, pid);
  }

  @Test
  void aRestartKeepsFrozenWhatIsFrozenAndLetsItRunOnWhenOrdered() throws Exception {
    CgroupFence fence = freezeAndRestart();
    assertThat(departures.phase(ref(id, 1))).contains(Phase.FREEZING);
    assertThat(fence.freezeRequested()).isTrue();
    // Nobody knows whether the target has the images; it is asked before anything else.
    assertRefused(() -> departures.get(ref(id, 1)).freeze(), Reason.TRANSFER_BROKEN);
    assertThat(fence.freezeRequested()).isTrue();
    departures.stop();
    assertThat(fence.freezeRequested()).as("an agent that stops decides nothing").isTrue();
    departures.rollBack(ref(id, 1));
    assertThat(ProcessHandle.of(pid)).isPresent();
    assertThat(CgroupFence.attach(CgroupHierarchy.forFreezing(), id)).isEmpty();
  }

  @Test
  void theRuntimeLetsGoWhileTheFenceStillHolds() throws Exception {
    freezeAndRestart();
    departures.rollBack(ref(id, 1));
    assertThat(told().calls()).containsExactly("thawing: alive, frozen");
  }

  @Test
  void theRuntimeForgetsWhatIsDeadAndHasNoFence() throws Exception {
    freezeAndRestart();
    departures.release(ref(id, 1), true);
    assertThat(told().calls())
        .containsExactly("thawing: alive, frozen", "released: dead, no fence");
  }

  @Test
  void whatTheRuntimeCouldNotForgetIsReleasedAgain() throws Exception {
    freezeAndRestart();
    WatchedLeaving told = told();
    told.failures().set(2);
    assertThatThrownBy(() -> departures.release(ref(id, 1), true))
        .hasStackTraceContaining("the runtime fails");
    assertThatThrownBy(() -> departures.release(ref(id, 1), true))
        .hasStackTraceContaining("the runtime fails");
    told.failures().set(0);
    departures.release(ref(id, 1), true);
    assertThat(told.calls()).last().isEqualTo("released: dead, no fence");
    assertThat(departures.phase(ref(id, 1))).contains(Phase.RELEASED);
  }

  private WatchedLeaving told() {
    return Objects.requireNonNull(watched);
  }

  @Test
  void aFrozenTreeThatWasKilledIsLost() throws Exception {
    CgroupFence fence = freeze();
    fence.kill(Duration.ofSeconds(5));
    restart();
    assertRefused(() -> departures.get(ref(id, 1)).push(true), Reason.WORKLOAD_LOST);
    assertRefused(() -> departures.rollBack(ref(id, 1)), Reason.WORKLOAD_LOST);
    assertRefused(() -> departures.rollBack(ref(id, 1)), Reason.WORKLOAD_LOST);
    restart();
    assertRefused(() -> departures.rollBack(ref(id, 1)), Reason.WORKLOAD_LOST);
  }

  @Test
  void aRestartRefusesAnOlderEpochThanTheOneItHeardLast() {
    prepare(id, 1, pid);
    assertThat(departures.find(ref(id, 5))).isPresent();
    restart();
    assertRefused(() -> departures.rollBack(ref(id, 4)), Reason.STALE_EPOCH);
  }

  @Test
  void aRollBackOfWhatIsNotKnownIsRememberedOverARestart() {
    departures.rollBack(ref(id, 1));
    restart();
    assertRefused(() -> prepare(id, 1, pid), Reason.WRONG_PHASE);
  }

  @Test
  void aDamagedJournalRefusesEveryOrderForItsMigrationAndNoOther() throws Exception {
    prepare(id, 1, pid);
    Path file = folder.resolve("journal").resolve(id + ".journal");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 3] ^= 4;
    Files.write(file, bytes);
    Departures before = departures;
    restart();
    assertRefused(() -> departures.rollBack(ref(id, 1)), Reason.JOURNAL_FAILED);
    assertRefused(() -> departures.find(ref(id, 1)), Reason.JOURNAL_FAILED);
    assertRefused(() -> prepare(id, 1, pid), Reason.JOURNAL_FAILED);
    before.rollBack(ref(id, 1));
    plane = new Plane();
    prepare(id + "b", 1, pid);
  }

  private CgroupFence freezeAndRestart() throws Exception {
    CgroupFence fence = freeze();
    restart();
    return fence;
  }

  private CgroupFence freeze() throws Exception {
    prepare(id, 1, pid);
    journal.write(
        new DepartureRecord(
                ref(id, 1),
                Phase.FREEZING,
                RootProcess.of(pid),
                RuntimeRecord.ofProcess(pid),
                List.of(),
                TARGET,
                BandwidthLimit.NONE,
                null)
            .entry());
    CgroupFence fence = CgroupFence.attach(CgroupHierarchy.forFreezing(), id).orElseThrow();
    fence.freeze(Duration.ofSeconds(5));
    return fence;
  }

  private void prepare(String migration, long epoch, int root) {
    departures.prepare(
        ref(migration, epoch),
        WorkloadName.ofProcess(root),
        ContainerPolicy.NONE,
        List.of(),
        TARGET);
  }

  private final class Factory implements DepartureFactory {
    @Override
    public Departure create(
        MigrationRef ref,
        WorkloadName workload,
        ContainerPolicy policy,
        List<String> addresses,
        TransferTarget target,
        DataPlane data,
        DataPlanes planes)
        throws IOException, InterruptedException {
      waiting.incrementAndGet();
      data.awaitOpen();
      Leaving leaving = new PlainProcesses().find(workload.name(), policy);
      made.incrementAndGet();
      return new Departure(
          DepartureJournal.begin(
              journal,
              DepartureRecord.prepared(ref, leaving.root(), leaving.record(), addresses, target)),
          new Departure.Parts(
              leaving,
              new Criu(Path.of("/none"), new CriuVersion(4, 2, 1)),
              new CriuFolder(folder.resolve(ref.id())),
              CgroupFence.create(ref.id(), List.of(leaving.root().pid())),
              noAddresses(),
              () -> plane,
              DeparturesTest.this::noPages),
          data);
    }

    @Override
    public Departure takeUp(DepartureRecord record, DataPlanes planes) throws IOException {
      return Departure.takenUp(
          DepartureJournal.takeUp(journal, record),
          new Departure.Parts(
              watched(new PlainProcesses().takeUp(record.root(), record.runtime())),
              null,
              new CriuFolder(folder.resolve(record.ref().id())),
              CgroupFence.attach(CgroupHierarchy.forFreezing(), record.ref().id()).orElseThrow(),
              noAddresses(),
              () -> {
                throw new TransferBrokenException("no target", null);
              },
              DeparturesTest.this::noPages),
          null);
    }
  }

  private Leaving watched(Leaving leaving) {
    watched = new WatchedLeaving(leaving, id);
    return watched;
  }

  private SourceAddresses noAddresses() {
    SourceAddresses fresh = new NoAddresses();
    addresses = new WeakReference<>(fresh);
    return fresh;
  }

  private DirtyTracker noPages(Path work) {
    DirtyTracker fresh = new NoPages();
    tracker = new WeakReference<>(fresh);
    return fresh;
  }

  private static final class NoPages implements DirtyTracker {
    @Override
    public String name() {
      return "none";
    }

    @Override
    public List<WrittenPages> scan(Collection<Integer> pids) {
      return List.of();
    }

    @Override
    public void close() {}
  }

  private static MigrationRef ref(String id, long epoch) {
    return new MigrationRef(id, epoch);
  }

  private static void assertRefused(ThrowingCallable call, Reason reason) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            LongshoreException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  private static final class Plane implements DataPlane {
    static final long BYTES = 42;

    volatile CountDownLatch opened = new CountDownLatch(0);
    volatile int cancelled;

    @Override
    public ImageChannel images() {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<? extends PageChannel> pages() {
      return List.of();
    }

    @Override
    public PageChannel faults() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void onDemand(Demands demands) {}

    @Override
    public void onTargetRestarted(Runnable listener) {}

    @Override
    public void awaitOpen() throws InterruptedException {
      opened.await();
      if (cancelled > 0) {
        throw new LongshoreException(Reason.TRANSFER_BROKEN, "cancelled");
      }
    }

    @Override
    public void admit(long epoch) {}

    @Override
    public Duration brokenFor() {
      return Duration.ZERO;
    }

    @Override
    public long bytesOnWire() {
      return BYTES;
    }

    @Override
    public void finish() {}

    @Override
    public synchronized void cancel() {
      cancelled++;
      opened.countDown();
    }
  }
}
