package io.longshore.coordinator.migration.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.ServerCallStreamObserver;
import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.Migrations;
import io.longshore.coordinator.migration.SampleMigrations;
import io.longshore.v1.WatchMigrationResponse;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** Flow control of a watch, with a call whose readiness the test decides. */
final class WatcherTest {
  private volatile Migration now = SampleMigrations.running(5);
  private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
  private final Call call = new Call();

  /** Notes what is sent. */
  private static final class Call extends ServerCallStreamObserver<WatchMigrationResponse> {
    final List<Long> sent = new CopyOnWriteArrayList<>();
    volatile boolean ready = true;
    volatile boolean completed = false;
    volatile Runnable onReady = () -> {};
    volatile Runnable onCancel = () -> {};

    @Override
    public boolean isReady() {
      return ready;
    }

    @Override
    public void onNext(WatchMigrationResponse response) {
      assertThat(ready).as("sent although the call is not ready").isTrue();
      sent.add(response.getMigration().getRevision());
    }

    @Override
    public void onCompleted() {
      completed = true;
    }

    @Override
    public void onError(Throwable failure) {
      throw new AssertionError(failure);
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {
      onReady = handler;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
      onCancel = handler;
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public void setCompression(String compression) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}
  }

  private void begin() {
    new Watcher(
            new Watcher.Watched() {
              @Override
              public Migration now() {
                return now;
              }

              @Override
              public Migrations.Watch watch(Runnable changed) {
                watchers.add(changed);
                return () -> watchers.remove(changed);
              }
            },
            call,
            Runnable::run)
        .begin();
  }

  private void change(Migration migration) {
    now = migration;
    watchers.forEach(Runnable::run);
  }

  @Test
  void sendsEachRevisionOnceWhileTheReaderKeepsUp() {
    begin();
    assertThat(call.sent).containsExactly(5L);
    change(SampleMigrations.running(6));
    assertThat(call.sent).containsExactly(5L, 6L);
    change(SampleMigrations.running(6));
    change(SampleMigrations.running(7));
    assertThat(call.sent).containsExactly(5L, 6L, 7L);
  }

  @Test
  void aSlowReaderSkipsSnapshotsButNotTheLast() {
    begin();
    call.ready = false;
    change(SampleMigrations.running(6));
    change(SampleMigrations.running(7));
    change(SampleMigrations.finished(8));
    assertThat(call.completed).isFalse();

    call.ready = true;
    call.onReady.run();

    assertThat(call.sent).containsExactly(5L, 8L);
    assertThat(call.completed).isTrue();
    assertThat(watchers).isEmpty();
  }

  @Test
  void aReaderThatWentAwayIsForgotten() {
    begin();
    call.onCancel.run();

    assertThat(watchers).isEmpty();
    call.onReady.run();
    assertThat(call.sent).containsExactly(5L);
  }
}
