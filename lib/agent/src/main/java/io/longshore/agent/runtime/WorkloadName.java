package io.longshore.agent.runtime;

/**
 * How a workload is named to the agents of its host.
 *
 * @param runtime what runs it, as nodes report it: {@link #PROCESS}, "runc"
 * @param name within the runtime: a process id, the id of a container
 */
public record WorkloadName(String runtime, String name) {
  /** The runtime of plain processes. */
  public static final String PROCESS = "process";

  /** Refuses what could not be written down. */
  public WorkloadName {
    if (!runtime.matches("[a-z0-9]+") || name.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          "not the name of a workload: '" + name + "' of the runtime '" + runtime + "'");
    }
  }

  /** A process and all its descendants, by the process id of the root. */
  public static WorkloadName ofProcess(int pid) {
    return new WorkloadName(PROCESS, Integer.toString(pid));
  }

  /** "process 4711", "container web-1 (runc)": for messages. */
  @Override
  public String toString() {
    return runtime.equals(PROCESS) ? "process " + name : "container " + name + " (" + runtime + ")";
  }
}
