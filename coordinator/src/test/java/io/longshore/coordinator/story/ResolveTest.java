package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.StatusRuntimeException;
import io.longshore.platform.error.Reason;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Resolution;
import io.longshore.v1.ResolveMigrationRequest;
import io.longshore.v1.ResolveMigrationResponse;
import io.longshore.v1.Strategy;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node does not come back, and an operator decides. */
final class ResolveTest {
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
  void aRollbackThatWaitsForADeadTargetIsEndedAndTheTargetIsToldWhenItIsBack() throws Exception {
    Script.Gate restore = cluster.script.hold("RestoreWorkload");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    restore.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_RESTORING);
    Cluster.Restart target = cluster.stopTarget();
    cluster.awaitState(migration.getId(), State.STATE_ROLLING_BACK);

    ResolveMigrationResponse asked =
        ask(migration, Resolution.RESOLUTION_ABANDON_TARGET, State.STATE_UNSPECIFIED, false);
    assertThat(asked.getConsequence())
        .contains("runs on on the source 'a'", "Nothing is lost", "'b' must never");
    assertThat(cluster.script.calls()).doesNotContain("RollBackSource");
    cluster.world.targetIsDead = true;
    Migration decided =
        ask(migration, Resolution.RESOLUTION_ABANDON_TARGET, State.STATE_ROLLING_BACK, true)
            .getMigration();
    assertThat(decided.getEpoch()).isEqualTo(2);

    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("AGENT_UNREACHABLE");
    assertThat(done.getResolution()).isEqualTo(Resolution.RESOLUTION_ABANDON_TARGET);
    assertThat(cluster.world.rolledBack).isTrue();
    assertThat(cluster.get(migration.getId()).getAbandonedNodePending()).isTrue();
    assertThat(cluster.world.targetEnded).isFalse();

    restore.open();
    target.run();
    awaitTold(migration);
    assertThat(cluster.world.targetEnded).isTrue();
  }

  @Test
  void aTargetThatDiedAfterTheStepIsAbandonedWithWhatItDid() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);
    Cluster.Restart target = cluster.stopTarget();
    assertThat(
            ask(migration, Resolution.RESOLUTION_ABANDON_TARGET, State.STATE_UNSPECIFIED, false)
                .getConsequence())
        .contains("everything it did there", "is lost", "there are two of it");

    cluster.world.targetIsDead = true;
    ask(migration, Resolution.RESOLUTION_ABANDON_TARGET, State.STATE_PUSHING, true);
    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("TARGET_ABANDONED");
    assertThat(cluster.script.calls()).contains("RollBackSource").doesNotContain("ReleaseSource");
    push.open();
    target.run();
    awaitTold(migration);
  }

  @Test
  void aTargetThatIsThereEndsItsCopyBeforeTheSourceRunsOn() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);
    Script.Gate abort = cluster.script.hold("AbortTarget");
    cluster.world.targetIsDead = true;
    ask(migration, Resolution.RESOLUTION_ABANDON_TARGET, State.STATE_PUSHING, true);
    abort.awaitReached();
    assertThat(cluster.world.rolledBack).isFalse();
    abort.open();
    cluster.awaitDone(migration.getId());
    assertThat(cluster.script.calls()).containsSubsequence("AbortTarget", "RollBackSource");
    push.open();
    awaitTold(migration);
  }

  @Test
  void whoIsYetToBeToldIsRememberedByTheNextCoordinator() throws Exception {
    Script.Gate resume = cluster.script.hold("ResumeWorkload");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    resume.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_RESUMING);
    Cluster.Restart target = cluster.stopTarget();
    cluster.world.targetIsDead = true;
    ask(migration, Resolution.RESOLUTION_ABANDON_TARGET, State.STATE_RESUMING, true);
    cluster.awaitDone(migration.getId());
    cluster.stopCoordinator();
    cluster.startCoordinator();
    assertThat(cluster.get(migration.getId()).getAbandonedNodePending()).isTrue();
    resume.open();
    target.run();
    awaitTold(migration);
  }

  @Test
  void aSourceThatDiedInThePushIsAbandonedWithItsPages() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);
    // Held long enough for a report of how far it is.
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> cluster.get(migration.getId()).getState() == State.STATE_PUSHING);
    Cluster.Restart source = cluster.stopSource();
    assertThat(
            ask(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_UNSPECIFIED, false)
                .getConsequence())
        .contains("goes on on the target 'b'", "the workload is lost");
    cluster.world.sourceIsDead = true;
    ask(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_PUSHING, true);

    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.target.sourceAbandoned).containsExactly(true);
    assertThat(cluster.script.calls()).doesNotContain("ReleaseSource");
    push.open();
    source.run();
    awaitTold(migration);
    assertThat(cluster.world.sourceEnded).isTrue();
  }

  @Test
  void aTargetThatLacksPagesOfAnAbandonedSourceHasLostTheWorkload() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);
    Cluster.Restart source = cluster.stopSource();
    cluster.script.fail("CompleteTarget", 1, Reason.WORKLOAD_LOST);
    cluster.world.sourceIsDead = true;
    ask(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_PUSHING, true);

    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("WORKLOAD_LOST");
    push.open();
    source.run();
    awaitTold(migration);
  }

  @Test
  void aSourceThatCannotBeReleasedIsAbandonedWithoutALoss() throws Exception {
    Script.Gate release = cluster.script.hold("ReleaseSource");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    release.awaitReached();
    Cluster.Restart source = cluster.stopSource();
    assertThat(
            ask(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_UNSPECIFIED, false)
                .getConsequence())
        .contains("Nothing is lost");
    assertRefused(migration, Resolution.RESOLUTION_ABANDON_TARGET, State.STATE_RELEASING);
    cluster.world.sourceIsDead = true;
    ask(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_RELEASING, true);
    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
    release.open();
    source.run();
    awaitTold(migration);
  }

  @Test
  void aDecisionThatIsNotNeededOrWasToldForAnotherStateIsRefused() throws Exception {
    Script.Gate freeze = cluster.script.hold("FreezeWorkload");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    freeze.awaitReached();
    assertRefused(migration, Resolution.RESOLUTION_ABANDON_TARGET, State.STATE_FREEZING);
    assertRefused(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_FREEZING);
    Script.Gate complete = cluster.script.hold("CompleteTarget");
    freeze.open();
    complete.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_RELEASING);
    assertRefused(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_PUSHING);
    assertRefused(migration, Resolution.RESOLUTION_UNSPECIFIED, State.STATE_RELEASING);
    complete.open();
    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(done.getAbandonedNodePending()).isFalse();
    assertRefused(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_SUCCEEDED);
  }

  @Test
  void aDecisionThatIsRepeatedIsAnsweredAgain() throws Exception {
    Script.Gate release = cluster.script.hold("ReleaseSource");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    release.awaitReached();
    cluster.world.sourceIsDead = true;
    ask(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_RELEASING, true);
    cluster.awaitDone(migration.getId());
    assertThat(
            ask(migration, Resolution.RESOLUTION_ABANDON_SOURCE, State.STATE_RELEASING, true)
                .getMigration()
                .getState())
        .isEqualTo(State.STATE_SUCCEEDED);
    release.open();
    awaitTold(migration);
  }

  private void awaitTold(Migration migration) {
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> !cluster.get(migration.getId()).getAbandonedNodePending());
  }

  private ResolveMigrationResponse ask(
      Migration migration, Resolution resolution, State state, boolean accept) {
    return cluster
        .migrations()
        .resolveMigration(
            ResolveMigrationRequest.newBuilder()
                .setMigrationId(migration.getId())
                .setResolution(resolution)
                .setState(state)
                .setAccept(accept)
                .build());
  }

  private void assertRefused(Migration migration, Resolution resolution, State state) {
    long epoch = cluster.get(migration.getId()).getEpoch();
    assertThatThrownBy(() -> ask(migration, resolution, state, true))
        .isInstanceOf(StatusRuntimeException.class);
    assertThat(cluster.get(migration.getId()).getEpoch()).isEqualTo(epoch);
  }
}
