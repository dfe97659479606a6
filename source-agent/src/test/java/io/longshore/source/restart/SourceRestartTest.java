package io.longshore.source.restart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import io.grpc.StatusRuntimeException;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.v1.FreezeWorkloadRequest;
import io.longshore.agent.v1.GetSourceRequest;
import io.longshore.agent.v1.GetSourceResponse.Phase;
import io.longshore.agent.v1.MigrationRef;
import io.longshore.agent.v1.PrepareSourceRequest;
import io.longshore.agent.v1.PushPagesRequest;
import io.longshore.agent.v1.PushPagesResponse;
import io.longshore.agent.v1.ReleaseSourceRequest;
import io.longshore.agent.v1.RollBackSourceRequest;
import io.longshore.criu.run.CriuTask;
import io.longshore.linux.CgroupFence;
import io.longshore.linux.CgroupHierarchy;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What must never happen: that the workload runs on the source when its target may have it, that it
 * is gone, or that a byte of it is wrong. The agent and CRIU are killed with SIGKILL in every
 * phase, and at random moments of each; the workload writes to its memory all the time and checks
 * it.
 */
@Timeout(240)
final class SourceRestartTest {
  private static final int MEBIBYTES = 16;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final String id = "restart-test-" + ProcessHandle.current().pid();

  @TempDir Path folder;
  private Path work;
  private Path journal;
  private RecordingTarget target;
  private Ticker workload;
  private AgentProcess agent;

  @BeforeEach
  void start() throws Exception {
    work = folder.resolve("work");
    journal = folder.resolve("journal");
    target = RecordingTarget.start();
    workload = Ticker.start(folder, MEBIBYTES);
    agent = AgentProcess.start(folder, work, journal);
  }

  @AfterEach
  void end() throws Exception {
    agent.close();
    for (CriuTask task : CriuTask.below(work)) {
      task.kill();
    }
    var fence = CgroupFence.attach(CgroupHierarchy.forFreezing(), id);
    if (fence.isPresent()) {
      fence.get().kill(PATIENCE);
      fence.get().dissolve();
    }
    workload.close();
    target.close();
  }

  @Test
  void anAgentKilledBeforeTheFreezeLeavesARunningWorkloadAndNothingElse() throws Exception {
    prepare();
    restart();
    assertThat(phase()).isEqualTo(Phase.PHASE_ROLLED_BACK);
    assertRanOnAndNothingIsLeft();
    // What the coordinator asks for next.
    assertThatThrownBy(this::freeze).isInstanceOf(StatusRuntimeException.class);
    rollBack();
    rollBack();
    workload.assertRunsWithItsMemoryRight();
  }

  @Test
  void aFrozenTreeStaysFrozenIsServedAndReleasedByTheNextAgent() throws Exception {
    prepare();
    freeze();
    long frozenAt = workload.ticks();
    await().atMost(PATIENCE).until(() -> journalPhase().equals("FROZEN"));
    agent.kill();
    workload.assertDoesNotRun();
    target.pages.clear();
    int before = target.openedFaultStreams.get();
    agent = AgentProcess.start(folder, work, journal);
    assertThat(phase()).isEqualTo(Phase.PHASE_FROZEN);
    assertThat(freeze()).as("the answer is the same").isGreaterThan(0);

    // Demands are answered again before anybody asks for a push.
    await().atMost(PATIENCE).until(() -> target.openedFaultStreams.get() > before);
    long page = workload.firstPage() + 77;
    target.demand(workload.pid(), page);
    await().atMost(PATIENCE).until(() -> target.pages.containsKey(page));
    // And all pages come: nobody orders it again if the push was complete before.
    await().atMost(PATIENCE).until(() -> target.pages.size() >= (MEBIBYTES << 20) / 4096);

    push();
    assertEveryPageIsRight();
    assertThat(workload.ticks()).isEqualTo(frozenAt);
    release();
    release();
    assertReleasedAndNothingIsLeft();
    restart();
    release();
    assertThatThrownBy(this::rollBack).isInstanceOf(StatusRuntimeException.class);
  }

  @Test
  void criuKilledUnderAFrozenTreeDoesNotReviveItForThisAgentNorForTheNext() throws Exception {
    prepare();
    freeze();
    long frozenAt = workload.ticks();
    killCriu();
    workload.assertDoesNotRun();
    restart();
    workload.assertDoesNotRun();
    push();
    assertEveryPageIsRight();
    assertThat(workload.ticks()).isEqualTo(frozenAt);
    rollBack();
    assertRanOnAndNothingIsLeft();
    restart();
    rollBack();
  }

  @Test
  void criuKilledAfterAnAgentThatWasKilledDoesNotReviveTheTree() throws Exception {
    prepare();
    freeze();
    agent.kill();
    killCriu();
    workload.assertDoesNotRun();
    agent = AgentProcess.start(folder, work, journal);
    push();
    assertEveryPageIsRight();
    release();
    assertReleasedAndNothingIsLeft();
  }

  @Test
  void aPushGoesOnAfterTheAgentWasKilledInTheMiddle() throws Exception {
    target.pageLimit = 2 << 20;
    prepare();
    freeze();
    CompletableFuture<Void> first =
        CompletableFuture.runAsync(() -> assertThatThrownBy(this::push).isNotNull());
    await().atMost(PATIENCE).until(() -> target.pages.size() > 256);
    agent.kill();
    first.join();
    target.pageLimit = 1L << 40;
    agent = AgentProcess.start(folder, work, journal);
    push();
    assertEveryPageIsRight();
    release();
    assertReleasedAndNothingIsLeft();
  }

  @Test
  void aPushToATargetThatIsGoneFailsWhenThePatienceIsOver() throws Exception {
    target.pageLimit = 2 << 20;
    prepare();
    freeze();
    CompletableFuture<Void> first =
        CompletableFuture.runAsync(
            () -> assertThatThrownBy(this::pushWithPatience).hasMessageContaining("has been cut"));
    await().atMost(PATIENCE).until(() -> target.pages.size() > 256);
    target.close();
    first.join();
    assertThatThrownBy(this::pushWithPatience).hasMessageContaining("has been cut");
    workload.assertDoesNotRun();
    rollBack();
    assertRanOnAndNothingIsLeft();
  }

  @Test
  void whoeverIsKilledAtAnyMomentOfAFreezeTheTargetNeverHasARunningWorkload() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("SourceRestartTest seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 8; round++) {
      boolean killAgent = round % 2 == 0;
      long delay = random.nextInt(400);
      String what =
          "round %d of seed %d, %s after %d ms"
              .formatted(round, seed, killAgent ? "the agent" : "CRIU", delay);
      target.complete.set(false);
      AtomicLong ticksWhenComplete = new AtomicLong(-1);
      target.whenComplete = () -> ticksWhenComplete.set(workload.ticks());
      prepare(round);
      CompletableFuture<Boolean> freezing =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  freeze();
                  return true;
                } catch (StatusRuntimeException e) {
                  return false;
                }
              });
      Thread.sleep(delay);
      if (killAgent) {
        agent.kill();
      } else {
        killCriu();
      }
      boolean frozen = freezing.join();
      if (killAgent) {
        agent = AgentProcess.start(folder, work, journal);
      }
      if (target.complete.get()) {
        workload.assertDoesNotRun();
        assertThat(workload.ticks()).as(what).isEqualTo(ticksWhenComplete.get());
      } else {
        assertThat(frozen).as(what).isFalse();
      }
      rollBack();
      assertRanOnAndNothingIsLeft();
    }
  }

  @Test
  void aReleaseIsFinishedByTheNextAgentWheneverTheFirstIsKilled() throws Exception {
    prepare();
    freeze();
    push();
    CompletableFuture<Void> releasing =
        CompletableFuture.runAsync(
            () -> {
              try {
                release();
              } catch (StatusRuntimeException e) {
                // Killed before it answered.
                assertThat(e).isNotNull();
              }
            });
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(1))
        .until(() -> Set.of("RELEASING", "RELEASED").contains(journalPhase()));
    agent.kill();
    releasing.join();
    agent = AgentProcess.start(folder, work, journal);
    assertReleasedAndNothingIsLeft();
    release();
    assertThat(phase()).isEqualTo(Phase.PHASE_RELEASED);
  }

  @Test
  void aRollBackIsFinishedByTheNextAgentWheneverTheFirstIsKilled() throws Exception {
    prepare();
    freeze();
    CompletableFuture<Void> rollingBack =
        CompletableFuture.runAsync(
            () -> {
              try {
                rollBack();
              } catch (StatusRuntimeException e) {
                // Killed before it answered.
                assertThat(e).isNotNull();
              }
            });
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(1))
        .until(() -> Set.of("ROLLING_BACK", "ROLLED_BACK").contains(journalPhase()));
    agent.kill();
    rollingBack.join();
    agent = AgentProcess.start(folder, work, journal);
    assertRanOnAndNothingIsLeft();
    rollBack();
    assertThat(phase()).isEqualTo(Phase.PHASE_ROLLED_BACK);
  }

  @Test
  void aFullDiskRefusesWhatWouldHaveToBeRememberedAndNeverARollBack() throws Exception {
    agent.close();
    Path small = Files.createDirectory(folder.resolve("small"));
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small.toString());
    try {
      journal = small.resolve("journal");
      agent = AgentProcess.start(folder, work, journal);
      fill(small.resolve("filling"));
      assertThatThrownBy(this::prepare).hasMessageContaining("No space left on device");
      assertRanOnAndNothingIsLeft();
      rollBack();
      Files.delete(small.resolve("filling"));

      prepare(1);
      fill(small.resolve("filling"));
      assertThatThrownBy(this::freeze).hasMessageContaining("No space left on device");
      assertThat(target.complete).isFalse();
      rollBack();
      assertRanOnAndNothingIsLeft();
      Files.delete(small.resolve("filling"));

      prepare(2);
      freeze();
      push();
      fill(small.resolve("filling"));
      assertThatThrownBy(this::release).hasMessageContaining("No space left on device");
      workload.assertDoesNotRun();
      Files.delete(small.resolve("filling"));
      release();
      assertReleasedAndNothingIsLeft();
    } finally {
      agent.close();
      run("umount", small.toString());
    }
  }

  private int round;

  private MigrationRef ref() {
    String name = round == 0 ? id : id + "-" + round;
    return MigrationRef.newBuilder().setMigrationId(name).setEpoch(1).build();
  }

  private void prepare(int newRound) {
    round = newRound;
    prepare();
  }

  private void prepare() {
    var _ =
        agent
            .calls()
            .prepareSource(
                PrepareSourceRequest.newBuilder()
                    .setMigration(ref())
                    .setWorkload(
                        Workload.newBuilder()
                            .setProcess(ProcessWorkload.newBuilder().setPid(workload.pid())))
                    .setTransferEndpoint(target.endpoint())
                    .setTransferSecret(ByteString.copyFromUtf8("0123456789abcdef0123456789abcdef"))
                    .build());
  }

  private long freeze() {
    return agent
        .calls()
        .freezeWorkload(FreezeWorkloadRequest.newBuilder().setMigration(ref()).build())
        .getPages();
  }

  private void push() {
    push(PushPagesRequest.newBuilder().setMigration(ref()).build());
  }

  private void pushWithPatience() {
    push(
        PushPagesRequest.newBuilder()
            .setMigration(ref())
            .setLinkPatience(Durations.fromSeconds(1))
            .build());
  }

  private void push(PushPagesRequest request) {
    Iterator<PushPagesResponse> reports = agent.calls().pushPages(request);
    PushPagesResponse last = PushPagesResponse.getDefaultInstance();
    while (reports.hasNext()) {
      last = reports.next();
    }
    assertThat(last.getComplete()).isTrue();
  }

  private void release() {
    var _ =
        agent.calls().releaseSource(ReleaseSourceRequest.newBuilder().setMigration(ref()).build());
  }

  private void rollBack() {
    var _ =
        agent
            .calls()
            .rollBackSource(RollBackSourceRequest.newBuilder().setMigration(ref()).build());
  }

  private Phase phase() {
    return agent
        .calls()
        .getSource(GetSourceRequest.newBuilder().setMigration(ref()).build())
        .getPhase();
  }

  private void restart() throws Exception {
    agent.kill();
    agent = AgentProcess.start(folder, work, journal);
  }

  private String journalPhase() {
    return Journal.look(journal).entries().stream()
        .filter(entry -> entry.ref().id().equals(ref().getMigrationId()))
        .map(entry -> entry.phase())
        .findFirst()
        .orElse("");
  }

  private void killCriu() throws IOException {
    for (CriuTask task : CriuTask.below(work)) {
      task.kill();
    }
  }

  private void assertEveryPageIsRight() throws IOException {
    assertThat(target.pages).hasSizeGreaterThanOrEqualTo((MEBIBYTES << 20) / 4096);
    for (Map.Entry<Long, byte[]> page : target.pages.entrySet()) {
      assertThat(page.getValue())
          .as("page %#x", page.getKey())
          .isEqualTo(workload.page(page.getKey()));
    }
  }

  private void assertRanOnAndNothingIsLeft() throws Exception {
    workload.assertRunsWithItsMemoryRight();
    assertNothingIsLeft();
  }

  private void assertReleasedAndNothingIsLeft() throws Exception {
    await().atMost(PATIENCE).until(() -> !workload.isAlive());
    assertNothingIsLeft();
  }

  private void assertNothingIsLeft() throws IOException {
    await().atMost(PATIENCE).until(() -> CriuTask.below(work).isEmpty());
    assertThat(CgroupFence.names(CgroupHierarchy.forFreezing()))
        .noneMatch(name -> name.startsWith(id));
    if (Files.exists(work)) {
      assertThat(work).isEmptyDirectory();
    }
    assertThat(Journal.look(journal).entries())
        .allSatisfy(entry -> assertThat(entry.values()).isEmpty());
  }

  private static void fill(Path file) {
    byte[] block = new byte[4096];
    try (var out = Files.newOutputStream(file)) {
      for (int i = 0; i < 1000; i++) {
        out.write(block);
      }
      throw new AssertionError("the disk does not fill up");
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(List.of(command)).inheritIO().start().waitFor()).isZero();
  }
}
