package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.platform.error.Reason;
import io.longshore.v1.ListMigrationsRequest;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Resolution;
import io.longshore.v1.Strategy;
import io.longshore.v1.Waiting;
import io.longshore.v1.WatchMigrationRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A migration waits for an agent, and says so. */
final class WaitingTest {
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
  void aTargetThatIsGoneAfterTheStepIsSeenToBeWaitedForUntilItIsBack() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);
    assertThat(cluster.get(migration.getId()).getWaitingList()).isEmpty();
    Cluster.Restart target = cluster.stopTarget();
    push.open();

    Migration waiting = awaitWaiting(migration);
    assertThat(waiting.getState()).isEqualTo(State.STATE_RELEASING);
    assertThat(waiting.getWaitingList()).hasSize(1);
    Waiting shown = waiting.getWaiting(0);
    assertThat(shown.getWhat()).isEqualTo("completing the target");
    assertThat(shown.getReason()).isEqualTo("AGENT_UNREACHABLE");
    assertThat(shown.getMessage()).contains("'b'");
    assertThat(shown.getSince().getSeconds())
        .isBetween(waiting.getCreateTime().getSeconds(), waiting.getUpdateTime().getSeconds());
    assertThat(shown.getResolutionsList())
        .containsExactly(
            Resolution.RESOLUTION_ABANDON_TARGET, Resolution.RESOLUTION_ABANDON_SOURCE);
    assertThat(
            cluster
                .migrations()
                .listMigrations(ListMigrationsRequest.getDefaultInstance())
                .getMigrationsList())
        .containsExactly(waiting);

    // Not stored: the next coordinator finds it out anew, and its revisions go on growing.
    cluster.stopCoordinator();
    cluster.startCoordinator();
    Migration again = awaitWaiting(migration);
    assertThat(again.getRevision()).isGreaterThan(waiting.getRevision());
    target.run();
    Migration done = cluster.awaitDone(migration.getId());
    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(done.getWaitingList()).isEmpty();
  }

  @Test
  void aWatchIsSentOneSnapshotForAllRepetitions() throws Exception {
    Script.Gate restore = cluster.script.hold("RestoreWorkload");
    cluster.script.fail("ResumeWorkload", 20, Reason.RAN_IN_PART);
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    restore.awaitReached();
    List<Migration> seen = new ArrayList<>();
    var watch =
        cluster
            .migrations()
            .watchMigration(
                WatchMigrationRequest.newBuilder().setMigrationId(migration.getId()).build());
    seen.add(watch.next().getMigration());
    restore.open();
    watch.forEachRemaining(response -> seen.add(response.getMigration()));

    assertThat(cluster.script.count("ResumeWorkload")).isEqualTo(21);
    assertThat(seen)
        .filteredOn(snapshot -> snapshot.getWaitingCount() > 0)
        .singleElement()
        .satisfies(
            snapshot -> {
              assertThat(snapshot.getState()).isEqualTo(State.STATE_RESUMING);
              assertThat(snapshot.getWaiting(0).getReason()).isEqualTo("RAN_IN_PART");
            });
    assertThat(seen.getLast().getState()).isEqualTo(State.STATE_SUCCEEDED);
  }

  private Migration awaitWaiting(Migration migration) {
    return await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> cluster.get(migration.getId()), m -> m.getWaitingCount() > 0);
  }
}
