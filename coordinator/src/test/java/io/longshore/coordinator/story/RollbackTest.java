package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.StatusRuntimeException;
import io.longshore.platform.error.Reason;
import io.longshore.v1.CancelMigrationRequest;
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
import org.junit.jupiter.params.provider.ValueSource;

final class RollbackTest {
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
    "PrepareTarget,   STRATEGY_POST_COPY,     OUT_OF_MEMORY",
    "PrepareSource,   STRATEGY_POST_COPY,     WORKLOAD_LOST",
    "FreezeWorkload,  STRATEGY_POST_COPY,     CRIU_DUMP_FAILED",
    "RestoreWorkload, STRATEGY_POST_COPY,     CRIU_RESTORE_FAILED",
    "FreezeWorkload,  STRATEGY_STOP_AND_COPY, CRIU_TIMEOUT",
    "RestoreWorkload, STRATEGY_STOP_AND_COPY, CRIU_RESTORE_FAILED",
    "RestoreWorkload, STRATEGY_POST_COPY,     LINK_CUT",
    "PushPages,       STRATEGY_STOP_AND_COPY, BAD_CHECKSUM",
    "CopyRounds,      STRATEGY_HYBRID,        LINK_CUT",
    "FreezeWorkload,  STRATEGY_HYBRID,        LINK_CUT",
    "PushPages,       STRATEGY_STOP_AND_COPY, LINK_CUT",
  })
  void aFailureBeforeTheStepAbortsTheTargetAndThenRollsTheSourceBack(
      String call, Strategy strategy, Reason reason) {
    cluster.script.fail(call, 1, reason);

    Migration done = cluster.awaitDone(cluster.create(strategy).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo(reason.name());
    assertThat(done.getError().getMessage()).contains(call + " fails by script");
    assertThat(done.getError().getCriuLogList()).containsExactly("Error (criu): " + call);
    assertThat(done.hasResult()).isFalse();
    assertThat(cluster.script.calls())
        .containsSubsequence("AbortTarget", "RollBackSource")
        .doesNotContain("ResumeWorkload", "ReleaseSource");
    assertThat(cluster.world.rolledBack).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"InspectWorkload", "CheckTarget"})
  void aFailureOfTheLastLookBeforePreparingRollsBack(String call) {
    cluster.script.then(call, () -> {});
    cluster.script.fail(call, 1, Reason.UNKNOWN_PROCESS);

    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("UNKNOWN_PROCESS");
    assertThat(cluster.script.calls()).doesNotContain("PrepareTarget");
  }

  @Test
  void theSourceWaitsUntilTheTargetSaidThatItWillNeverRunIt() throws Exception {
    cluster.script.fail("FreezeWorkload", 1, Reason.CRIU_DUMP_FAILED);
    cluster.script.fail("AbortTarget", 3, Reason.INTERNAL);
    Script.Gate abort = cluster.script.hold("AbortTarget");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    abort.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_ROLLING_BACK);

    assertThat(cluster.script.calls()).doesNotContain("RollBackSource");
    abort.open();

    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_FAILED);
    assertThat(cluster.script.count("AbortTarget")).isEqualTo(4);
  }

  @Test
  void theRollbackOfTheSourceIsRepeatedUntilItSucceeds() {
    cluster.script.fail("FreezeWorkload", 1, Reason.CRIU_DUMP_FAILED);
    cluster.script.fail("RollBackSource", 3, Reason.INTERNAL);

    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("CRIU_DUMP_FAILED");
    assertThat(cluster.script.count("RollBackSource")).isEqualTo(4);
  }

  @ParameterizedTest
  @CsvSource({
    "PrepareTarget,   STRATEGY_POST_COPY,     STATE_PREPARING",
    "PrepareSource,   STRATEGY_POST_COPY,     STATE_PREPARING",
    "FreezeWorkload,  STRATEGY_POST_COPY,     STATE_FREEZING",
    "RestoreWorkload, STRATEGY_POST_COPY,     STATE_RESTORING",
    "PushPages,       STRATEGY_STOP_AND_COPY, STATE_TRANSFERRING",
    "RestoreWorkload, STRATEGY_STOP_AND_COPY, STATE_RESTORING",
  })
  void aCancellationBeforeTheStepInterruptsWhatRunsAndRollsBack(
      String held, Strategy strategy, State state) throws Exception {
    Script.Gate gate = cluster.script.hold(held);
    Migration migration = cluster.create(strategy);
    gate.awaitReached();
    cluster.awaitState(migration.getId(), state);

    // The gate stays shut: the rollback does not wait for the call that is under way.
    Migration cancelled = cancel(migration);
    assertThat(cancelled.getState()).isEqualTo(State.STATE_ROLLING_BACK);
    assertThat(cancelled.getRevision()).isGreaterThan(migration.getRevision());

    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_CANCELLED);
    assertThat(done.hasError()).isFalse();
    Awaitility.await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> assertThat(cluster.script.cancelled()).contains(held));
    assertThat(cluster.script.calls())
        .containsSubsequence("AbortTarget", "RollBackSource")
        .doesNotContain("ResumeWorkload");
    assertThat(cancel(migration)).isEqualTo(done);
  }

  @Test
  void aCancellationDuringTheRollbackChangesNothing() throws Exception {
    cluster.script.fail("FreezeWorkload", 1, Reason.CRIU_DUMP_FAILED);
    Script.Gate rollback = cluster.script.hold("RollBackSource");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    rollback.awaitReached();

    assertThat(cancel(migration).getState()).isEqualTo(State.STATE_ROLLING_BACK);
    rollback.open();

    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(cancel(migration)).isEqualTo(done);
  }

  @ParameterizedTest
  @CsvSource({
    "ResumeWorkload, STATE_RESUMING",
    "PushPages,      STATE_PUSHING",
    "ReleaseSource,  STATE_RELEASING",
    "CompleteTarget, STATE_RELEASING",
  })
  void aCancellationAfterTheStepIsRefusedAndChangesNothing(String held, State state)
      throws Exception {
    Script.Gate gate = cluster.script.hold(held);
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    gate.awaitReached();
    cluster.awaitState(migration.getId(), state);

    assertThatThrownBy(() -> cancel(migration))
        .isInstanceOf(StatusRuntimeException.class)
        .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("TOO_LATE_TO_CANCEL"));
    assertThat(cluster.get(migration.getId()).getState()).isEqualTo(state);
    gate.open();

    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThatThrownBy(() -> cancel(migration))
        .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("TOO_LATE_TO_CANCEL"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ResumeWorkload", "PushPages", "ReleaseSource", "CompleteTarget"})
  void afterTheStepCallsAreRepeatedUntilTheySucceed(String call) {
    cluster.script.fail(call, 5, Reason.INTERNAL);

    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.script.count(call)).isEqualTo(6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ResumeWorkload", "PushPages", "CompleteTarget"})
  void onlyADefiniteLossEndsAMigrationAfterTheStep(String call) {
    cluster.script.fail(call, 1, Reason.WORKLOAD_LOST);

    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("WORKLOAD_LOST");
    assertThat(done.getError().getMessage()).contains("The target owned the workload");
    assertThat(cluster.script.calls())
        .doesNotContain("AbortTarget", "RollBackSource", "ReleaseSource");
    assertThatThrownBy(() -> cancel(done))
        .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("TOO_LATE_TO_CANCEL"));
  }

  private Migration cancel(Migration migration) {
    return cluster
        .migrations()
        .cancelMigration(
            CancelMigrationRequest.newBuilder().setMigrationId(migration.getId()).build())
        .getMigration();
  }
}
