package io.longshore.agent.network;

import java.util.Locale;

/** When a network hook runs. */
public enum NetworkHookStep {
  /** Before anything stands still; on both hosts. */
  PREPARE(true),
  /** The container is about to stand still; on the source. */
  FREEZE(true),
  /** The container runs on the target; there. */
  RESUME(false),
  /** The container stays on the source; on both hosts. */
  ROLLBACK(false),
  /** The migration is over; on both hosts. */
  RELEASE(false);

  private final boolean beforeTheStep;

  NetworkHookStep(boolean beforeTheStep) {
    this.beforeTheStep = beforeTheStep;
  }

  /** Whether a failure rolls the migration back; else it can only be told. */
  public boolean isBeforeTheStep() {
    return beforeTheStep;
  }

  /** The program's only argument. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
