package io.longshore.linux;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;

/** Reads one process from {@code /proc/PID}. */
final class TaskReader {
  // Fields of /proc/PID/stat behind the command, which may itself hold spaces and brackets.
  private static final int STATE = 0;
  private static final int PARENT = 1;
  private static final int PROCESS_GROUP = 2;
  private static final int SESSION = 3;
  private static final int START_TIME = 19;

  private TaskReader() {}

  /**
   * @throws NoSuchFileException if there is no such process
   */
  static Task read(int pid) throws IOException {
    String stat = ProcFiles.text(ProcFiles.of(pid, "stat"));
    int open = stat.indexOf('(');
    int close = stat.lastIndexOf(')');
    String[] fields = stat.substring(close + 2).strip().split(" ", -1);
    String status = ProcFiles.text(ProcFiles.of(pid, "status"));
    return new Task(
        pid,
        innermost(status, "NSpid:"),
        threads(pid),
        Long.parseUnsignedLong(fields[START_TIME]),
        stat.substring(open + 1, close),
        Task.State.of(fields[STATE].charAt(0)),
        Integer.parseInt(fields[PARENT]),
        Integer.parseInt(fields[SESSION]),
        Integer.parseInt(fields[PROCESS_GROUP]),
        innermost(status, "NSsid:"),
        innermost(status, "NSpgid:"),
        innermost(status, "TracerPid:"));
  }

  /**
   * @throws NoSuchFileException if there is no such thread
   */
  static Task.State threadState(int pid, int thread) throws IOException {
    String stat = ProcFiles.text(ProcFiles.of(pid, "task", Integer.toString(thread), "stat"));
    return Task.State.of(stat.charAt(stat.lastIndexOf(')') + 2));
  }

  private static List<Integer> threads(int pid) throws IOException {
    List<Integer> own = new ArrayList<>();
    for (int thread : ProcFiles.numbers(ProcFiles.of(pid, "task"))) {
      try {
        own.add(
            innermost(
                ProcFiles.text(ProcFiles.of(pid, "task", Integer.toString(thread), "status")),
                "NSpid:"));
      } catch (NoSuchFileException e) {
        // The thread ended after the directory was read; the process is checked by the caller.
      }
    }
    own.sort(null);
    return own;
  }

  /** The last number of a line of {@code /proc/PID/status}. */
  private static int innermost(String status, String name) {
    int start = status.startsWith(name) ? 0 : status.indexOf("\n" + name) + 1;
    if (start == 0 && !status.startsWith(name)) {
      throw new IllegalStateException("/proc/PID/status has no line " + name);
    }
    int end = status.indexOf('\n', start);
    String line = status.substring(start, end < 0 ? status.length() : end).strip();
    int gap = Math.max(line.lastIndexOf('\t'), line.lastIndexOf(' '));
    return Integer.parseInt(line.substring(gap + 1));
  }
}
