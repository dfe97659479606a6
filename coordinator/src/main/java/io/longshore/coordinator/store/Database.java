package io.longshore.coordinator.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * The SQLite database, its schema brought up to date when it is opened. A commit is on the disk
 * when it returns: write-ahead log, synchronous=FULL. Safe for use by several threads.
 */
public final class Database implements AutoCloseable {
  private static final int BUSY_MILLIS = 10_000;
  // One writer at a time is SQLite's rule; more connections would only make them wait in the
  // database.
  private static final int CONNECTIONS = 1;

  private final HikariDataSource pool;
  private final Jdbi jdbi;

  private final StoreLock storeLock;

  private Database(HikariDataSource pool, StoreLock storeLock) {
    this.pool = pool;
    this.storeLock = storeLock;
    this.jdbi = Jdbi.create(pool);
  }

  /**
   * Opens or creates a database.
   *
   * @throws UncheckedIOException if its folder cannot be made, or another coordinator has it open
   */
  public static Database open(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot make the folder of the store " + file, e);
      }
    }
    StoreLock lock = StoreLock.take(file);
    try {
      return new Database(connect(file), lock);
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  private static HikariDataSource connect(Path file) {
    SQLiteConfig config = new SQLiteConfig();
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
    config.setBusyTimeout(BUSY_MILLIS);
    SQLiteDataSource source = new SQLiteDataSource(config);
    source.setUrl("jdbc:sqlite:" + file.toAbsolutePath());
    HikariConfig pooled = new HikariConfig();
    pooled.setPoolName("store");
    pooled.setDataSource(source);
    pooled.setMaximumPoolSize(CONNECTIONS);
    HikariDataSource pool = new HikariDataSource(pooled);
    try {
      Flyway.configure().dataSource(pool).locations("classpath:db/migration").load().migrate();
      return pool;
    } catch (RuntimeException e) {
      pool.close();
      throw e;
    }
  }

  /** Runs statements. */
  public Jdbi jdbi() {
    return jdbi;
  }

  @Override
  public void close() {
    pool.close();
    storeLock.close();
  }
}
