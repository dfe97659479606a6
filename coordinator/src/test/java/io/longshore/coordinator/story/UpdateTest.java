package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.StatusRuntimeException;
import io.longshore.agent.v1.LimitSourceRequest;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.StatusMapper;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Policy;
import io.longshore.v1.Strategy;
import io.longshore.v1.UpdateMigrationRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bandwidth that is asked for, and one that is changed. */
final class UpdateTest {
  private static final long SOME = 25_000_000;
  private static final long LESS = 1_000_000;

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

  private Migration update(String id, long bandwidth) {
    return cluster
        .migrations()
        .updateMigration(
            UpdateMigrationRequest.newBuilder()
                .setMigrationId(id)
                .setMaxBandwidth(bandwidth)
                .build())
        .getMigration();
  }

  private Migration create(long bandwidth) {
    return cluster.create(
        UUID.randomUUID().toString(),
        Cluster.spec(Strategy.STRATEGY_POST_COPY).toBuilder()
            .setPolicy(Policy.newBuilder().setMaxBandwidth(bandwidth))
            .build());
  }

  @Test
  void theSourceIsToldBeforeItSends() throws Exception {
    Migration done = cluster.awaitDone(create(SOME).getId());
    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(done.getSpec().getPolicy().getMaxBandwidth()).isEqualTo(SOME);
    assertThat(done.getMaxBandwidth()).isEqualTo(SOME);
    assertThat(cluster.source.limits())
        .extracting(LimitSourceRequest::getMaxBandwidth)
        .containsOnly(SOME);
    assertThat(cluster.script.calls().indexOf("LimitSource"))
        .isLessThan(cluster.script.calls().indexOf("PushPages"));
  }

  @Test
  void withoutOneTheSourceIsNotTold() throws Exception {
    cluster.awaitDone(create(0).getId());
    assertThat(cluster.source.limits()).isEmpty();
  }

  @Test
  void aChangeIsStoredAndToldAtOnce() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = create(SOME);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);
    Migration updated = update(migration.getId(), LESS);
    assertThat(updated.getMaxBandwidth()).isEqualTo(LESS);
    assertThat(updated.getSpec().getPolicy().getMaxBandwidth()).as("asked for").isEqualTo(SOME);
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> cluster.source.limits().getLast().getMaxBandwidth() == LESS);
    assertThat(cluster.source.limits())
        .extracting(LimitSourceRequest::getRevision)
        .isSorted()
        .doesNotHaveDuplicates();
    push.open();
    assertThat(cluster.awaitDone(migration.getId()).getMaxBandwidth()).isEqualTo(LESS);
  }

  @Test
  void aSourceThatDoesNotAnswerIsToldAgain() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = create(0);
    push.awaitReached();
    cluster.script.fail("LimitSource", 2, Reason.AGENT_UNREACHABLE);
    update(migration.getId(), LESS);
    await().atMost(Duration.ofSeconds(10)).until(() -> !cluster.source.limits().isEmpty());
    push.open();
    cluster.awaitDone(migration.getId());
  }

  @Test
  void aRestartedCoordinatorKnowsTheChange() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = create(SOME);
    push.awaitReached();
    update(migration.getId(), LESS);
    cluster.stopCoordinator();
    cluster.startCoordinator();
    assertThat(cluster.get(migration.getId()).getMaxBandwidth()).isEqualTo(LESS);
    push.open();
    cluster.awaitDone(migration.getId());
    assertThat(cluster.source.limits().getLast().getMaxBandwidth()).isEqualTo(LESS);
  }

  @Test
  void aLimitThatWasLiftedIsLiftedByTheNextCoordinator() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = create(SOME);
    push.awaitReached();
    Script.Gate limit = cluster.script.hold("LimitSource");
    update(migration.getId(), 0);
    limit.awaitReached();
    cluster.stopCoordinator();
    limit.open();
    int before = cluster.source.limits().size();
    cluster.startCoordinator();
    await().atMost(Duration.ofSeconds(10)).until(() -> cluster.source.limits().size() > before);
    assertThat(cluster.source.limits().getLast().getMaxBandwidth()).isZero();
    push.open();
    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
  }

  @Test
  void whatCannotBeIsRefused() throws Exception {
    Migration migration = create(0);
    assertRefused(() -> update(migration.getId(), 99_999), Reason.INVALID_ARGUMENT);
    assertRefused(() -> update(migration.getId(), -1), Reason.INVALID_ARGUMENT);
    assertRefused(() -> create(1), Reason.INVALID_ARGUMENT);
    assertRefused(() -> update("m-unknown", SOME), Reason.NOT_FOUND);
    cluster.awaitDone(migration.getId());
    assertRefused(() -> update(migration.getId(), SOME), Reason.WRONG_PHASE);
    assertRefused(
        () ->
            cluster
                .migrations()
                .updateMigration(
                    UpdateMigrationRequest.newBuilder().setMigrationId(migration.getId()).build()),
        Reason.INVALID_ARGUMENT);
  }

  private static void assertRefused(Runnable call, Reason reason) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(StatusMapper.fromStatus(e).reason()).isEqualTo(reason));
  }
}
