package io.longshore.coordinator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.MigrationStore.Filter;
import io.longshore.coordinator.migration.MigrationStore.Insertion;
import io.longshore.coordinator.migration.MigrationStore.Position;
import io.longshore.coordinator.migration.SampleMigrations;
import io.longshore.coordinator.migration.store.SqlMigrationStore;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SqlMigrationStoreTest {
  private static final Instant THEN = Instant.parse("2026-11-22T12:00:00.123456Z");

  @TempDir Path folder;
  private Database database;
  private SqlMigrationStore store;

  @BeforeEach
  void open() {
    database = Database.open(folder.resolve("deep/er/coordinator.db"));
    store = new SqlMigrationStore(database);
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void readsWhatItWroteAlsoAfterItWasClosed() {
    Migration migration = SampleMigrations.pending("m-1", "r-1", 4711, THEN);
    assertThat(store.insert(migration)).isEqualTo(Insertion.STORED);
    database.close();
    open();

    assertThat(store.find("m-1")).contains(migration);
    assertThat(store.findByRequestId("r-1")).contains(migration);
    assertThat(store.find("m-2")).isEmpty();
  }

  @Test
  void refusesARequestIdThatIsTakenAndAWorkloadThatIsBusy() {
    store.insert(SampleMigrations.pending("m-1", "r-1", 4711, THEN));

    assertThat(store.insert(SampleMigrations.pending("m-2", "r-1", 4712, THEN)))
        .isEqualTo(Insertion.REQUEST_ID_TAKEN);
    assertThat(store.insert(SampleMigrations.pending("m-2", "r-2", 4711, THEN)))
        .isEqualTo(Insertion.WORKLOAD_BUSY);
    assertThat(store.find("m-2")).isEmpty();
    assertThat(store.insert(SampleMigrations.pending("m-2", "r-2", 4712, THEN)))
        .isEqualTo(Insertion.STORED);
  }

  @Test
  void takingUpRaisesTheEpochAndShutsOutWhoeverHadTheOlderOne() {
    Migration migration = SampleMigrations.pending("m-1", "r-1", 4711, THEN);
    store.insert(migration);

    assertThat(store.takeUp(THEN.plusSeconds(1)))
        .singleElement()
        .satisfies(
            taken -> {
              assertThat(taken.epoch()).isEqualTo(2);
              assertThat(taken.revision()).isEqualTo(2);
              assertThat(store.update(taken)).isTrue();
            });
    assertThat(store.update(migration)).isFalse();
    assertThat(store.find("m-1").orElseThrow().epoch()).isEqualTo(2);
  }

  @Test
  void listsTheNewestFirstAndBreaksTiesById() {
    store.insert(SampleMigrations.pending("m-1", "r-1", 11, THEN));
    store.insert(SampleMigrations.pending("m-3", "r-3", 13, THEN));
    store.insert(SampleMigrations.pending("m-2", "r-2", 12, THEN));
    store.insert(SampleMigrations.pending("m-0", "r-0", 10, THEN.plusSeconds(1)));

    assertThat(store.list(new Filter(false, false), Optional.empty(), 10))
        .extracting(Migration::id)
        .containsExactly("m-0", "m-3", "m-2", "m-1");
    assertThat(store.list(new Filter(true, false), Optional.of(new Position(THEN, "m-3")), 1))
        .extracting(Migration::id)
        .containsExactly("m-2");
  }

  @Test
  void findsWhatSucceededBetweenTwoNodesTheNewestFirst() {
    for (int i = 0; i < 3; i++) {
      store.insert(SampleMigrations.pending("m-" + i, "r-" + i, 11 + i, THEN.plusSeconds(i)));
    }
    assertThat(store.succeeded("a", "b", 10)).isEmpty();
    for (int i = 0; i < 3; i++) {
      assertThat(store.update(SampleMigrations.finished("m-" + i, 11 + i, THEN.plusSeconds(i))))
          .isTrue();
    }

    assertThat(store.succeeded("a", "b", 2))
        .extracting(Migration::id)
        .containsExactly("m-2", "m-1");
    assertThat(store.succeeded("b", "a", 10)).isEmpty();
  }

  @Test
  void isUsedByOneCoordinatorAtATime() {
    assertThatThrownBy(() -> Database.open(folder.resolve("deep/er/coordinator.db")))
        .hasMessageContaining("is used by another coordinator");
  }

  @Test
  void isDurableWhenACommitReturns() {
    String journal =
        database
            .jdbi()
            .withHandle(
                handle -> handle.createQuery("PRAGMA journal_mode").mapTo(String.class).one());
    int synchronous =
        database
            .jdbi()
            .withHandle(
                handle -> handle.createQuery("PRAGMA synchronous").mapTo(Integer.class).one());
    assertThat(journal).isEqualTo("wal");
    assertThat(synchronous).as("2 is FULL").isEqualTo(2);
  }
}
