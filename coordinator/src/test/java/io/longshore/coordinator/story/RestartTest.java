package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.platform.error.Reason;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Strategy;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RestartTest {
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

  @ParameterizedTest
  @CsvSource({
    "PrepareTarget,   STRATEGY_POST_COPY,     STATE_PREPARING",
    "PrepareSource,   STRATEGY_POST_COPY,     STATE_PREPARING",
    "FreezeWorkload,  STRATEGY_POST_COPY,     STATE_FREEZING",
    "RestoreWorkload, STRATEGY_POST_COPY,     STATE_RESTORING",
    "PushPages,       STRATEGY_STOP_AND_COPY, STATE_TRANSFERRING",
    "RestoreWorkload, STRATEGY_STOP_AND_COPY, STATE_RESTORING",
    "ResumeWorkload,  STRATEGY_POST_COPY,     STATE_RESUMING",
    "ResumeWorkload,  STRATEGY_STOP_AND_COPY, STATE_RESUMING",
    "PushPages,       STRATEGY_POST_COPY,     STATE_PUSHING",
    "ReleaseSource,   STRATEGY_POST_COPY,     STATE_RELEASING",
    "CompleteTarget,  STRATEGY_POST_COPY,     STATE_RELEASING",
  })
  void aCoordinatorRestartedInAnyStateGoesOn(String held, Strategy strategy, State state)
      throws Exception {
    Script.Gate gate = cluster.script.hold(held);
    Migration migration = cluster.create(strategy);
    gate.awaitReached();
    cluster.awaitState(migration.getId(), state);
    Migration before = cluster.get(migration.getId());
    long calls = cluster.script.count(held);

    cluster.stopCoordinator();
    cluster.startCoordinator();
    Migration after = cluster.get(migration.getId());
    assertThat(after.getEpoch()).isEqualTo(2);
    assertThat(after.getState()).isEqualTo(state);
    assertThat(after.getRevision()).isGreaterThan(before.getRevision());
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> cluster.script.count(held) > calls);
    gate.open();

    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(done.getResult().hasDowntime()).isTrue();
    assertThat(done.getResult().getImageBytes()).isEqualTo(FakeSource.IMAGE_BYTES);
    assertThat(done.getResult().getPagesSent()).isEqualTo(900);
  }

  @ParameterizedTest
  @CsvSource({"AbortTarget", "RollBackSource"})
  void aCoordinatorRestartedInARollbackGoesOnRollingBack(String held) throws Exception {
    cluster.script.fail("FreezeWorkload", 1, Reason.CRIU_DUMP_FAILED);
    Script.Gate gate = cluster.script.hold(held);
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    gate.awaitReached();

    cluster.stopCoordinator();
    cluster.startCoordinator();
    gate.open();

    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("CRIU_DUMP_FAILED");
    assertThat(done.getError().getCriuLogList()).containsExactly("Error (criu): FreezeWorkload");
  }

  @Test
  void bothAgentsHearTheNewEpochThoughOnlyOneIsNeeded() throws Exception {
    Script.Gate complete = cluster.script.hold("CompleteTarget");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    complete.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_RELEASING);
    Cluster.Restart source = cluster.stopSource();
    cluster.stopCoordinator();
    cluster.startCoordinator();
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> cluster.script.calls().contains("GetTarget"));
    assertThat(cluster.script.calls()).doesNotContain("GetSource");
    source.run();
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> cluster.script.calls().contains("GetSource"));
    complete.open();
    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
  }

  @Test
  void aFreezeThatLostItsTargetIsRolledBackAtOnce() {
    cluster.script.fail("FreezeWorkload", 1, Reason.TRANSFER_BROKEN);
    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());
    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("TRANSFER_BROKEN");
    assertThat(cluster.script.count("FreezeWorkload")).isEqualTo(1);
  }

  @Test
  void whatIsDoneIsNotTakenUp() throws Exception {
    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());
    int calls = cluster.script.calls().size();

    cluster.stopCoordinator();
    cluster.startCoordinator();

    assertThat(cluster.get(done.getId())).isEqualTo(done);
    assertThat(cluster.script.calls()).hasSize(calls);
  }

  @Test
  void anUnreachableTargetBeforeTheStepIsWaitedForAndThenRolledBackWhenItIsBack() throws Exception {
    Script.Gate restore = cluster.script.hold("RestoreWorkload");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    restore.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_RESTORING);
    Cluster.Restart target = cluster.stopTarget();

    cluster.awaitState(migration.getId(), State.STATE_ROLLING_BACK);
    assertThat(cluster.get(migration.getId()).getError().getReason())
        .isEqualTo("AGENT_UNREACHABLE");
    // Not known is not "never": the source stays frozen until the target has answered.
    assertThat(cluster.script.calls()).doesNotContain("RollBackSource");
    restore.open();
    target.run();

    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(cluster.script.calls()).containsSubsequence("AbortTarget", "RollBackSource");
  }

  @Test
  void aShortOutageBeforeTheStepIsSurvived() {
    cluster.script.fail("PrepareSource", 2, Reason.TRANSFER_BROKEN);

    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.script.count("PrepareSource")).isEqualTo(3);
  }

  @Test
  void anUnreachableAgentAfterTheStepIsWaitedForForEver() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);
    Cluster.Restart target = cluster.stopTarget();
    push.open();
    cluster.awaitState(migration.getId(), State.STATE_RELEASING);

    Thread.sleep(Cluster.PATIENCE.plusMillis(200));
    assertThat(cluster.get(migration.getId()).getState()).isEqualTo(State.STATE_RELEASING);
    assertThat(cluster.script.calls()).doesNotContain("ReleaseSource");
    target.run();

    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
  }
}
