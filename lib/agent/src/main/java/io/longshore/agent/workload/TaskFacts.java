package io.longshore.agent.workload;

import java.util.List;

/**
 * A process.
 *
 * @param vpid process id in its own pid namespace: the id that must be free on the target
 * @param tids thread ids in that namespace
 * @param command command name
 */
public record TaskFacts(int vpid, List<Integer> tids, String command) {
  /** Copies the list. */
  public TaskFacts {
    tids = List.copyOf(tids);
  }
}
