package io.longshore.target.arrival;

/** Where the target's part of a migration stands. */
public enum Phase {
  /** Receives. */
  PREPARED,
  /** Being restored. */
  RESTORING,
  /** Restored and held. */
  HELD,
  /** Runs here. */
  RESUMED,
  /** Runs here and every page is installed. */
  COMPLETE,
  /** Will never run here. */
  ABORTED,
  /** Ran here and was lost: what fills its memory has failed, or pages of it never came. */
  LOST,
  /**
   * An earlier agent let it run, and this one cannot fill what is missing, or does not know what
   * became of it. An operator decides.
   */
  STRANDED;

  /** Whether the workload could still be given back. */
  public boolean isBeforeStep() {
    return this == PREPARED || this == RESTORING || this == HELD;
  }

  /** Whether nothing more will happen. */
  public boolean isOver() {
    return this == COMPLETE || this == ABORTED || this == LOST;
  }
}
