package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.util.Durations;
import io.longshore.platform.error.Reason;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.MigrationResult;
import io.longshore.v1.Strategy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class SuccessTest {
  @TempDir Path folder;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(folder);
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  @Test
  void postCopyResumesFirstAndPushesBehind() {
    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    List<String> calls = cluster.script.calls();
    assertThat(calls.subList(0, 6))
        .containsExactly(
            "InspectWorkload",
            "CheckTarget",
            "InspectWorkload",
            "CheckTarget",
            "PrepareTarget",
            "PrepareSource");
    assertThat(calls.subList(6, 8)).containsOnly("RestoreWorkload", "FreezeWorkload");
    assertThat(calls)
        .containsSubsequence("FreezeWorkload", "ResumeWorkload", "PushPages")
        .endsWith("PushPages", "CompleteTarget", "ReleaseSource")
        .doesNotContain("AbortTarget", "RollBackSource");
  }

  @Test
  void theTargetIsToldHowLongACutLinkIsBorneInTheRestore() {
    cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    assertThat(cluster.target.restored)
        .isNotEmpty()
        .allSatisfy(
            request ->
                assertThat(Durations.toMillis(request.getLinkPatience()))
                    .isEqualTo(Cluster.PATIENCE.toMillis()));
  }

  @Test
  void stopAndCopyPushesEverythingFirst() {
    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_STOP_AND_COPY).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.script.calls())
        .containsSubsequence("FreezeWorkload", "PushPages", "ResumeWorkload")
        .endsWith("ResumeWorkload", "CompleteTarget", "ReleaseSource");
  }

  @Test
  void hybridSendsRoundsBeforeTheFreezeAndTheRestBehindTheResume() {
    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_HYBRID).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.script.calls())
        .containsSubsequence(
            "PrepareSource", "CopyRounds", "FreezeWorkload", "ResumeWorkload", "PushPages");
    assertThat(cluster.source.copied)
        .singleElement()
        .satisfies(
            request -> {
              assertThat(Durations.toMillis(request.getPageBudget())).isEqualTo(100);
              assertThat(request.getMaxRounds()).isEqualTo(30);
            });
    MigrationResult result = done.getResult();
    assertThat(result.getRounds()).isEqualTo(3);
    assertThat(result.getStalePages()).isEqualTo(FakeSource.STALE);
    assertThat(result.getPagesSent()).isEqualTo(1200 + 45);
    assertThat(result.getZeroPages()).isEqualTo(90 + 5);
    assertThat(done.getProgress().getTotalBytes()).isEqualTo(FakeSource.PAGES * 4096);
    assertThat(done.getProgress().getMovedBytes()).isEqualTo(FakeSource.PAGES * 4096);
    assertThat(Durations.toMillis(done.getSpec().getPolicy().getDowntimeBudget())).isEqualTo(300);
  }

  @Test
  void goesOnAfterTheRoundsHaveReportedHowFarTheyAre() throws Exception {
    Script.Gate copy = cluster.script.hold("CopyRounds");
    Migration migration = cluster.create(Strategy.STRATEGY_HYBRID);
    copy.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_COPYING);
    // Reports that follow each other faster are left out.
    await().pollDelay(Duration.ofMillis(300)).until(() -> true);
    copy.open();

    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
  }

  @Test
  void preCopyPushesWhatIsStaleBeforeTheResume() {
    Migration preCopied = cluster.awaitDone(cluster.create(Strategy.STRATEGY_PRE_COPY).getId());

    assertThat(preCopied.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.script.calls())
        .containsSubsequence("CopyRounds", "FreezeWorkload", "PushPages", "ResumeWorkload");
  }

  @ParameterizedTest
  @EnumSource(names = {"STRATEGY_POST_COPY", "STRATEGY_STOP_AND_COPY"})
  void theSourceKeepsItsCopyUntilTheTargetHasInstalledEveryPage(Strategy strategy)
      throws Exception {
    cluster.script.fail("CompleteTarget", 2, Reason.INTERNAL);
    Script.Gate complete = cluster.script.hold("CompleteTarget");
    Migration migration = cluster.create(strategy);
    complete.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_RELEASING);

    assertThat(cluster.script.calls()).doesNotContain("ReleaseSource");
    complete.open();

    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.script.calls())
        .endsWith("CompleteTarget", "CompleteTarget", "CompleteTarget", "ReleaseSource");
  }

  @Test
  void stopAndCopyAsksAgainWhetherTheTargetStillHoldsWhenItHeldBeforeThePagesWereComplete()
      throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_STOP_AND_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_TRANSFERRING);
    push.open();

    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.script.calls())
        .containsSubsequence("RestoreWorkload", "PushPages", "RestoreWorkload", "ResumeWorkload");
  }

  @Test
  void measuresByTheAgentsClocksAndItsOwn() {
    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    MigrationResult result = done.getResult();
    // 100 ms had passed since the freeze when the source answered; the rest is between that and the
    // resume.
    assertThat(Durations.toMillis(result.getDowntime())).isBetween(100L, 5_000L);
    assertThat(Durations.toMillis(result.getFreezeTime())).isEqualTo(80);
    assertThat(Durations.toMillis(result.getRestoreTime())).isEqualTo(50);
    assertThat(Durations.toNanos(result.getTotalTime()))
        .isPositive()
        .isEqualTo(
            Durations.toNanos(
                com.google.protobuf.util.Timestamps.between(
                    done.getCreateTime(), done.getFinishTime())));
    assertThat(result.getMemoryBytes()).isEqualTo(FakeSource.PAGES * 4096 + FakeSource.IMAGE_BYTES);
    assertThat(result.getImageBytes()).isEqualTo(FakeSource.IMAGE_BYTES);
    assertThat(result.getPagesSent()).isEqualTo(900);
    assertThat(result.getZeroPages()).isEqualTo(100);
    assertThat(result.getBytesOnWire()).isEqualTo(FakeSource.PAGES * 4096);
    assertThat(result.getDemandFaults()).isEqualTo(7);
    assertThat(Durations.toMillis(result.getDemandFaultP50())).isEqualTo(1);
    assertThat(Durations.toMillis(result.getDemandFaultP99())).isEqualTo(3);
    assertThat(done.getProgress().getTotalBytes()).isEqualTo(FakeSource.PAGES * 4096);
    assertThat(done.getProgress().getMovedBytes()).isEqualTo(FakeSource.PAGES * 4096);
  }

  @Test
  void passesOnWhatTheTargetGave() {
    cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    assertThat(cluster.source.prepared)
        .singleElement()
        .satisfies(
            request -> {
              assertThat(request.getTransferEndpoint()).isEqualTo("127.0.0.1:4");
              assertThat(request.getTransferSecret().toStringUtf8()).isEqualTo("secret");
              assertThat(request.getServiceAddressesList()).containsExactly("10.77.0.100/24");
              assertThat(request.getWorkload().getProcess().getPid()).isEqualTo(4711);
            });
    assertThat(cluster.target.checked.getLast().getFacts().getCommand()).isEqualTo("redis-server");
    assertThat(cluster.target.checked.getLast().getSource().getCriuVersion()).isEqualTo("4.1.1");
  }

  @Test
  void leavesTheStrategyToThePlanner() {
    Migration migration = cluster.create(Strategy.STRATEGY_UNSPECIFIED);

    assertThat(migration.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_POST_COPY);
    cluster.awaitDone(migration.getId());
  }
}
