package io.longshore.agent.runc;

import java.nio.file.Path;

/**
 * A container as {@code runc state} and {@code runc list} show it.
 *
 * @param id its name
 * @param pid of its first process; 0 if that has ended
 * @param status what it does
 * @param bundle the folder it was made from, absolute
 */
public record RuncContainer(String id, int pid, Status status, Path bundle) {
  /** What a container does. */
  public enum Status {
    /** It was made, and its program does not run yet. */
    CREATED,
    /** It runs. */
    RUNNING,
    /** It is frozen by runc. */
    PAUSED,
    /** Its first process has ended. */
    STOPPED
  }
}
