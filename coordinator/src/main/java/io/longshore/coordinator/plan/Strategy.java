package io.longshore.coordinator.plan;

/** How the memory is moved. */
public enum Strategy {
  /** Not said: the planner chooses. No stored migration has it. */
  UNSPECIFIED,
  /** Freeze, send everything, resume. */
  STOP_AND_COPY,
  /** Freeze, resume on the target at once, send the memory behind it. */
  POST_COPY,
  /** Send everything in rounds while it runs, freeze, send what is stale, resume. */
  PRE_COPY,
  /** Send everything in rounds while it runs, freeze, resume, send what is stale behind it. */
  HYBRID;

  /** Whether memory is sent in rounds before the freeze. */
  public boolean hasRounds() {
    return switch (this) {
      case PRE_COPY, HYBRID -> true;
      case STOP_AND_COPY, POST_COPY -> false;
      case UNSPECIFIED -> throw new IllegalStateException("the planner has not chosen a strategy");
    };
  }

  /** Whether every page must be on the target before the workload may run there. */
  public boolean pushesBeforeResume() {
    return switch (this) {
      case STOP_AND_COPY, PRE_COPY -> true;
      case POST_COPY, HYBRID -> false;
      case UNSPECIFIED -> throw new IllegalStateException("the planner has not chosen a strategy");
    };
  }
}
