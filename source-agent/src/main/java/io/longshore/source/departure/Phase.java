package io.longshore.source.departure;

/** Where the source's part of a migration stands. Written to the journal by name: do not rename. */
public enum Phase {
  /** Prepared; the workload runs. */
  PREPARED,
  /**
   * CRIU may have begun to freeze the workload. Whether it is frozen for good says its fence: once
   * that is frozen the target may have everything, before that it has not.
   */
  FREEZING,
  /** Frozen, and the target has stored all images. */
  FROZEN,
  /** The frozen copy is being removed. */
  RELEASING,
  /** The frozen copy is gone. */
  RELEASED,
  /** The workload is being let run on. */
  ROLLING_BACK,
  /** The workload runs on; the migration is over here. */
  ROLLED_BACK,
  /** The frozen copy is gone though nobody released it: killed, or its host was restarted. */
  LOST;

  /** Whether nothing is held for the migration any more. */
  public boolean isOver() {
    return switch (this) {
      case RELEASED, ROLLED_BACK, LOST -> true;
      case PREPARED, FREEZING, FROZEN, RELEASING, ROLLING_BACK -> false;
    };
  }
}
