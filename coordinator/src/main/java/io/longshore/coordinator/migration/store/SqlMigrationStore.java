package io.longshore.coordinator.migration.store;

import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.MigrationStore;
import io.longshore.coordinator.migration.Phase;
import io.longshore.coordinator.store.Columns;
import io.longshore.coordinator.store.Database;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;

/** Migrations in a table, a column for each value. */
public final class SqlMigrationStore implements MigrationStore {
  private final Jdbi jdbi;

  public SqlMigrationStore(Database database) {
    this.jdbi = database.jdbi();
  }

  @Override
  public Insertion insert(Migration migration) {
    return jdbi.inTransaction(
        handle -> {
          if (count(handle, "request_id = :request_id", migration) > 0) {
            return Insertion.REQUEST_ID_TAKEN;
          }
          if (count(
                  handle,
                  "source_node = :source_node AND workload_kind = :workload_kind"
                      + " AND workload_name = :workload_name AND done = 0",
                  migration)
              > 0) {
            return Insertion.WORKLOAD_BUSY;
          }
          handle
              .createUpdate(MigrationRow.INSERT)
              .bindMap(MigrationRow.values(migration))
              .execute();
          return Insertion.STORED;
        });
  }

  private static int count(Handle handle, String where, Migration migration) {
    return handle
        .createQuery("SELECT COUNT(*) FROM migration WHERE " + where)
        .bindMap(MigrationRow.values(migration))
        .mapTo(int.class)
        .one();
  }

  @Override
  public boolean update(Migration migration) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(MigrationRow.UPDATE)
                    .bindMap(MigrationRow.values(migration))
                    .execute()
                == 1);
  }

  @Override
  public boolean resolve(Migration migration) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(MigrationRow.UPDATE_WITH_NEXT_EPOCH)
                    .bindMap(MigrationRow.values(migration))
                    .execute()
                == 1);
  }

  @Override
  public void fenced(Migration migration) {
    if (!update(migration)) {
      throw new IllegalStateException("the store has a newer epoch of " + migration.id());
    }
  }

  @Override
  public List<Migration> fencePending() {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "SELECT * FROM migration WHERE done = 1 AND fence_pending = 1 ORDER BY id")
                .map(MigrationRow::read)
                .list());
  }

  @Override
  public List<Migration> takeUp(Instant now) {
    return jdbi.inTransaction(
        handle -> {
          handle
              .createUpdate(
                  "UPDATE migration SET epoch = epoch + 1, revision = revision + 1,"
                      + " updated_at = :now WHERE done = 0")
              .bind("now", Columns.micros(now))
              .execute();
          return handle
              .createQuery("SELECT * FROM migration WHERE done = 0 ORDER BY created_at, id")
              .map(MigrationRow::read)
              .list();
        });
  }

  @Override
  public Optional<Migration> find(String id) {
    return findBy("id", id);
  }

  @Override
  public Optional<Migration> findByRequestId(String requestId) {
    return findBy("request_id", requestId);
  }

  private Optional<Migration> findBy(String column, String value) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery("SELECT * FROM migration WHERE " + column + " = :value")
                .bind("value", value)
                .map(MigrationRow::read)
                .findOne());
  }

  @Override
  public List<Migration> list(Filter filter, Optional<Position> after, int limit) {
    String where =
        (filter.onlyActive() ? " AND done = 0" : "")
            + (filter.selfTests() ? "" : " AND workload_kind <> '" + Workload.SelfTest.KIND + "'")
            + (after.isPresent()
                ? " AND (created_at < :created_at OR (created_at = :created_at AND id < :id))"
                : "");
    return jdbi.withHandle(
        handle -> {
          var query =
              handle
                  .createQuery(
                      "SELECT * FROM migration WHERE 1 = 1"
                          + where
                          + " ORDER BY created_at DESC, id DESC LIMIT :limit")
                  .bind("limit", limit);
          after.ifPresent(
              position ->
                  query
                      .bind("created_at", Columns.micros(position.createTime()))
                      .bind("id", position.id()));
          return query.map(MigrationRow::read).list();
        });
  }

  @Override
  public List<Migration> succeeded(String sourceNode, String targetNode, int limit) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "SELECT * FROM migration WHERE phase = :phase AND source_node = :source"
                        + " AND target_node = :target AND workload_kind <> :kind"
                        + " ORDER BY created_at DESC, id DESC LIMIT :limit")
                .bind("phase", Phase.SUCCEEDED.name())
                .bind("source", sourceNode)
                .bind("target", targetNode)
                .bind("kind", Workload.SelfTest.KIND)
                .bind("limit", limit)
                .map(MigrationRow::read)
                .list());
  }

  @Override
  public void removeSelfTests(String node) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(
                    "DELETE FROM migration WHERE workload_kind = :kind AND source_node = :node"
                        + " AND done = 1")
                .bind("kind", Workload.SelfTest.KIND)
                .bind("node", node)
                .execute());
  }
}
