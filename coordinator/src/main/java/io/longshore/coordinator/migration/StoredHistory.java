package io.longshore.coordinator.migration;

import io.longshore.coordinator.plan.History;
import io.longshore.coordinator.plan.PastMigration;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What stored migrations took. */
public final class StoredHistory implements History {
  private static final int MOST = 10;

  /** So many are sent within the restore. */
  private static final long A_FEW_PAGES = 1024;

  private final MigrationStore store;

  /** Looks in this store. */
  public StoredHistory(MigrationStore store) {
    this.store = store;
  }

  @Override
  public List<PastMigration> between(String sourceNode, String targetNode) {
    return store.succeeded(sourceNode, targetNode, MOST).stream()
        .map(StoredHistory::past)
        .flatMap(Optional::stream)
        .toList();
  }

  private static Optional<PastMigration> past(Migration migration) {
    Measurements measured = migration.measurements();
    Duration freeze = measured.freezeTime();
    Duration restore = measured.restoreTime();
    Duration downtime = measured.downtime();
    // A coordinator that was restarted meanwhile may not know one of them.
    if (freeze == null || restore == null) {
      return Optional.empty();
    }
    boolean withoutPages =
        !migration.spec().strategy().pushesBeforeResume() || measured.stalePages() < A_FEW_PAGES;
    Optional<Duration> resume =
        Optional.ofNullable(downtime)
            .filter(time -> withoutPages)
            .map(time -> time.minus(freeze).minus(restore))
            .map(time -> time.isNegative() ? Duration.ZERO : time);
    return Optional.of(new PastMigration(freeze, restore, resume, measured.imageBytes()));
  }
}
