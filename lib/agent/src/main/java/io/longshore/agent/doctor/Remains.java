package io.longshore.agent.doctor;

import java.util.List;

/**
 * What is there of one migration.
 *
 * @param migration its id
 * @param standing whose it is
 * @param why of the standing, for people
 * @param traces what was found, one a line
 */
public record Remains(String migration, Standing standing, String why, List<String> traces) {
  /** Whose something is. */
  public enum Standing {
    /** An agent that runs has it: not to be touched, and no leftover. */
    OWNED,
    /** An agent that does not run must decide, or has: it may be the only copy of a workload. */
    HELD,
    /** Nobody's: it can go. */
    LEFT_OVER
  }

  /** Copies. */
  public Remains {
    traces = List.copyOf(traces);
  }
}
