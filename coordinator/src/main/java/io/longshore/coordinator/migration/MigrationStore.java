package io.longshore.coordinator.migration;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Keeps migrations. A method that returns has made its change durable: it survives the loss of
 * power. Safe for use by several threads.
 */
public interface MigrationStore {
  /** What became of an insertion. */
  enum Insertion {
    /** It is stored. */
    STORED,
    /** A migration with the same request id is there. */
    REQUEST_ID_TAKEN,
    /** A migration of the same workload is not done. */
    WORKLOAD_BUSY
  }

  /** Where a page of a list begins: after the migration that was created then and has this id. */
  record Position(Instant createTime, String id) {}

  /**
   * Which migrations to list.
   *
   * @param onlyActive leave out those that are done
   * @param selfTests show those of self-tests too
   */
  record Filter(boolean onlyActive, boolean selfTests) {}

  /** Stores a new migration, or nothing. */
  Insertion insert(Migration migration);

  /**
   * Stores a change.
   *
   * @return false if another coordinator took the migration up since: nothing is stored then
   */
  boolean update(Migration migration);

  /**
   * Stores an operator's decision, which has an epoch greater by one.
   *
   * @return false if another coordinator took the migration up since: nothing is stored then
   */
  boolean resolve(Migration migration);

  /** Stores that the node that was abandoned was told. */
  void fenced(Migration migration);

  /** Migrations that are over, whose abandoned node has yet to be told. */
  List<Migration> fencePending();

  /** Gives every migration that is not done a new epoch, and returns them. */
  List<Migration> takeUp(Instant now);

  /** The migration of that id. */
  Optional<Migration> find(String id);

  /** The migration that was created with that request id. */
  Optional<Migration> findByRequestId(String requestId);

  /** Migrations, the newest first, at most {@code limit}. */
  List<Migration> list(Filter filter, Optional<Position> after, int limit);

  /**
   * Migrations from one node to another that have succeeded, without those of self-tests, the
   * newest first, at most {@code limit}.
   */
  List<Migration> succeeded(String sourceNode, String targetNode, int limit);

  /** Removes the self-tests of a node that are done. */
  void removeSelfTests(String node);
}
