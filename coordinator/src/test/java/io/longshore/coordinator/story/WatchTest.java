package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Strategy;
import io.longshore.v1.WatchMigrationRequest;
import io.longshore.v1.WatchMigrationResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class WatchTest {
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

  private static WatchMigrationRequest request(Migration migration) {
    return WatchMigrationRequest.newBuilder().setMigrationId(migration.getId()).build();
  }

  @Test
  void sendsTheMigrationAtOnceAndAfterEveryChangeAndEndsWhenItIsDone() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);

    Iterator<WatchMigrationResponse> watch =
        cluster.migrations().watchMigration(request(migration));
    assertThat(watch.next().getMigration().getState()).isEqualTo(State.STATE_PUSHING);
    push.open();
    List<State> states = new ArrayList<>();
    watch.forEachRemaining(response -> states.add(response.getMigration().getState()));

    assertThat(states).last().isEqualTo(State.STATE_SUCCEEDED);
  }

  @Test
  void ofAMigrationThatIsDoneSendsItOnce() {
    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());

    List<Migration> seen = new ArrayList<>();
    cluster
        .migrations()
        .watchMigration(request(done))
        .forEachRemaining(response -> seen.add(response.getMigration()));
    assertThat(seen).containsExactly(done);
  }

  @Test
  void aReaderThatReadsLateStillGetsTheLastSnapshot() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    SlowReader reader = new SlowReader();
    cluster.asynchronously().watchMigration(request(migration), reader);
    push.open();
    cluster.awaitState(migration.getId(), State.STATE_SUCCEEDED);

    reader.read();

    assertThat(reader.ended.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(reader.seen).last().isEqualTo(cluster.get(migration.getId()));
    assertThat(reader.seen).extracting(Migration::getRevision).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void aReaderThatGoesAwayIsForgotten() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    SlowReader reader = new SlowReader();
    cluster.asynchronously().watchMigration(request(migration), reader);
    reader.read();
    Awaitility.await().atMost(Duration.ofSeconds(5)).until(() -> !reader.seen.isEmpty());
    reader.cancel();
    push.open();

    assertThat(cluster.awaitDone(migration.getId()).getState()).isEqualTo(State.STATE_SUCCEEDED);
  }

  /** Takes no message until it is told to. */
  private static final class SlowReader
      implements ClientResponseObserver<WatchMigrationRequest, WatchMigrationResponse> {
    final List<Migration> seen = new CopyOnWriteArrayList<>();
    final CountDownLatch ended = new CountDownLatch(1);
    private final CompletableFuture<ClientCallStreamObserver<WatchMigrationRequest>> call =
        new CompletableFuture<>();

    @Override
    public void beforeStart(ClientCallStreamObserver<WatchMigrationRequest> requests) {
      requests.disableAutoRequestWithInitial(0);
      call.complete(requests);
    }

    void read() {
      call.join().request(1000);
    }

    void cancel() {
      call.join().cancel("gone", null);
    }

    @Override
    public void onNext(WatchMigrationResponse response) {
      seen.add(response.getMigration());
    }

    @Override
    public void onError(Throwable failure) {
      ended.countDown();
    }

    @Override
    public void onCompleted() {
      ended.countDown();
    }
  }
}
