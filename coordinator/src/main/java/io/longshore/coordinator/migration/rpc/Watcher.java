package io.longshore.coordinator.migration.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.stub.ServerCallStreamObserver;
import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.Migrations;
import io.longshore.v1.WatchMigrationResponse;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Sends one caller the snapshots of one migration. Nothing is queued: whenever the call can take a
 * message, the newest snapshot is sent if it is newer than the last one, so a slow reader skips
 * snapshots but gets the last.
 */
final class Watcher {
  private final Watched watched;
  private final ServerCallStreamObserver<WatchMigrationResponse> call;
  private final Migrations.Watch watch;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private long sentRevision;

  @GuardedBy("lock")
  private boolean over;

  /** The migration that is followed. */
  interface Watched {
    /** As it is now. */
    Migration now();

    /** See {@link Migrations#watch}. */
    Migrations.Watch watch(Runnable changed);
  }

  /**
   * @param threads what sends after a change: the migration must not wait for a reader
   */
  Watcher(
      Watched watched, ServerCallStreamObserver<WatchMigrationResponse> call, Executor threads) {
    this.watched = watched;
    this.call = call;
    this.watch = watched.watch(() -> threads.execute(this::send));
  }

  /** To be called within the call's first callback. */
  void begin() {
    call.setOnReadyHandler(this::send);
    call.setOnCancelHandler(this::end);
    send();
  }

  private void send() {
    lock.lock();
    try {
      if (over || !call.isReady()) {
        return;
      }
      Migration migration = watched.now();
      if (migration.revision() > sentRevision) {
        sentRevision = migration.revision();
        call.onNext(
            WatchMigrationResponse.newBuilder()
                .setMigration(MigrationMessages.migration(migration))
                .build());
      }
      if (migration.phase().done()) {
        over = true;
        watch.close();
        call.onCompleted();
      }
    } catch (RuntimeException e) {
      over = true;
      watch.close();
      call.onError(e);
    } finally {
      lock.unlock();
    }
  }

  private void end() {
    lock.lock();
    try {
      over = true;
      watch.close();
    } finally {
      lock.unlock();
    }
  }
}
