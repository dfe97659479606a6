package io.longshore.source.departure;

/** Where the source's part of a migration stands. */
public enum Phase {
  /** Prepared; the workload runs. */
  PREPARED,
  /** Being frozen, or frozen. */
  FROZEN,
  /** The frozen copy is gone. */
  RELEASED,
  /** The workload runs on; the migration is over here. */
  ROLLED_BACK
}
