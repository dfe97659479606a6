package io.longshore.linux;

import java.io.IOException;
import java.util.List;

/**
 * A process as {@code /proc} showed it; proc_pid_stat(5), proc_pid_status(5).
 *
 * <p>"Own" numbers are those of the innermost pid namespace, the ones the process itself sees and
 * CRIU writes into images as "vpid". The others are those of the reader's namespace.
 *
 * @param pid in the reader's namespace
 * @param ownPid last of {@code NSpid}
 * @param ownThreadIds thread ids in the process's namespace, ascending, with its own pid
 * @param startTime clock ticks after boot; with the pid it names the process for good
 * @param command {@code comm}, at most 15 bytes, which the process may set to anything
 * @param state what it was doing
 * @param parentPid 0 if the parent is outside the reader's namespace
 * @param sessionId 0 if the session's leader is outside the reader's namespace
 * @param processGroupId 0 if the group's leader is outside the reader's namespace
 * @param ownSessionId 0 if the session is of an outer namespace
 * @param ownProcessGroupId 0 if the group is of an outer namespace
 * @param tracerThreadId thread that traces it, 0 for none
 */
public record Task(
    int pid,
    int ownPid,
    List<Integer> ownThreadIds,
    long startTime,
    String command,
    State state,
    int parentPid,
    int sessionId,
    int processGroupId,
    int ownSessionId,
    int ownProcessGroupId,
    int tracerThreadId) {

  /** What the kernel says a process is doing. */
  public enum State {
    /** On a processor or ready to be. */
    RUNNING,
    /** Waiting, can be woken by a signal. */
    SLEEPING,
    /** Waiting, cannot be woken by a signal; frozen by cgroup v1 shows so too. */
    UNINTERRUPTIBLE,
    /** Stopped by a signal. */
    STOPPED,
    /** Stopped by a tracer. */
    TRACED,
    /** Ended, not yet reaped. */
    ZOMBIE,
    /** On its way out. */
    DEAD,
    /** An idle or parked kernel thread. */
    IDLE;

    static State of(char letter) {
      return switch (letter) {
        case 'R' -> RUNNING;
        case 'S' -> SLEEPING;
        case 'D' -> UNINTERRUPTIBLE;
        case 'T' -> STOPPED;
        case 't' -> TRACED;
        case 'Z' -> ZOMBIE;
        case 'X', 'x' -> DEAD;
        case 'I', 'P' -> IDLE;
        default -> throw new IllegalArgumentException("unknown task state '" + letter + "'");
      };
    }
  }

  public Task {
    ownThreadIds = List.copyOf(ownThreadIds);
  }

  /**
   * Reads one process.
   *
   * @throws java.nio.file.NoSuchFileException if there is none
   */
  public static Task read(int pid) throws IOException {
    return TaskReader.read(pid);
  }

  /**
   * Whether it still has memory and descriptors. A process whose first thread has ended shows as a
   * zombie though others go on.
   */
  public boolean alive() {
    return (state != State.ZOMBIE && state != State.DEAD) || ownThreadIds.size() > 1;
  }
}
