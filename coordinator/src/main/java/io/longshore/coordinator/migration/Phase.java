package io.longshore.coordinator.migration;

/**
 * Where a migration stands, as the state machine sees it: the public state, with the order of the
 * end and of a rollback made visible. Stored by name: do not rename.
 */
public enum Phase {
  /** Stored; nothing was done yet. */
  PENDING(State.PENDING),
  /** Both agents reserve what they need and connect to each other. */
  PREPARING(State.PREPARING),
  /** The workload runs, and its memory is sent in rounds. */
  COPYING(State.COPYING),
  /**
   * The source freezes the workload and sends its images; the target waits for them and begins to
   * restore.
   */
  FREEZING(State.FREEZING),
  /** Frozen; all pages are sent while the target restores. */
  TRANSFERRING(State.TRANSFERRING),
  /** The target has all it needs and restores. */
  RESTORING(State.RESTORING),
  /** The step is taken: the target lets the workload run. */
  RESUMING(State.RESUMING),
  /** Runs on the target; the memory is pushed behind it. */
  PUSHING(State.PUSHING),
  /** The target has every page and installs the last; the source keeps its frozen copy. */
  COMPLETING(State.RELEASING),
  /** Every page is installed: the source removes its frozen copy. */
  RELEASING(State.RELEASING),
  /** Final: runs on the target. */
  SUCCEEDED(State.SUCCEEDED),
  /** Waits for the target's definite "will never run". */
  ABORTING(State.ROLLING_BACK),
  /** The target will never run it: the source lets it run on. */
  ROLLING_BACK(State.ROLLING_BACK),
  /** Final: failed; runs on the source as before. */
  FAILED(State.FAILED),
  /** Final: cancelled; runs on the source as before. */
  CANCELLED(State.CANCELLED),
  /** Final: an agent said for certain that the workload it owned is gone. */
  LOST(State.FAILED);

  /** Where a migration stands, as callers see it. */
  public enum State {
    PENDING,
    PREPARING,
    COPYING,
    FREEZING,
    TRANSFERRING,
    RESTORING,
    RESUMING,
    PUSHING,
    RELEASING,
    SUCCEEDED,
    ROLLING_BACK,
    FAILED,
    CANCELLED
  }

  private final State state;

  Phase(State state) {
    this.state = state;
  }

  /** What callers see. */
  public State state() {
    return state;
  }

  /** Whether nothing happens any more. */
  public boolean done() {
    return switch (this) {
      case SUCCEEDED, FAILED, CANCELLED, LOST -> true;
      case PENDING,
          PREPARING,
          COPYING,
          FREEZING,
          TRANSFERRING,
          RESTORING,
          RESUMING,
          PUSHING,
          COMPLETING,
          RELEASING,
          ABORTING,
          ROLLING_BACK ->
          false;
    };
  }

  /**
   * Whether a failed call may still be answered by rolling back. Elsewhere there is one way only,
   * and calls are repeated until they have a definite answer.
   */
  boolean mayRollBack() {
    return switch (this) {
      case PENDING, PREPARING, COPYING, FREEZING, TRANSFERRING, RESTORING -> true;
      case RESUMING,
          PUSHING,
          COMPLETING,
          RELEASING,
          SUCCEEDED,
          ABORTING,
          ROLLING_BACK,
          FAILED,
          CANCELLED,
          LOST ->
          false;
    };
  }
}
