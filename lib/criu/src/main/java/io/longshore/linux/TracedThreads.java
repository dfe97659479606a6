package io.longshore.linux;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Who traces the threads of processes; proc_pid_status(5), ptrace(2). */
public final class TracedThreads {
  private TracedThreads() {}

  /**
   * Threads of these processes that a tracer does not hold. Of a frozen tree none: then the tracer
   * held it from before it was frozen until now, for a tracer that ends lets go before it is gone.
   *
   * @param tracer process id of a tracer with one thread
   * @return thread ids; those that have ended or are zombies are left out
   */
  public static List<Integer> notTracedBy(int tracer, Collection<Integer> pids) throws IOException {
    List<Integer> free = new ArrayList<>();
    for (int pid : pids) {
      for (int thread : threads(pid)) {
        if (!isTracedBy(tracer, pid, thread)) {
          free.add(thread);
        }
      }
    }
    return free;
  }

  private static List<Integer> threads(int pid) throws IOException {
    try {
      return ProcFiles.numbers(ProcFiles.of(pid, "task"));
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  private static boolean isTracedBy(int tracer, int pid, int thread) throws IOException {
    Path status = ProcFiles.of(pid, "task", Integer.toString(thread), "status");
    try {
      boolean ended = false;
      int found = 0;
      for (String line : ProcFiles.text(status).lines().toList()) {
        if (line.startsWith("State:")) {
          char state = line.substring("State:".length()).strip().charAt(0);
          ended = state == 'Z' || state == 'X';
        } else if (line.startsWith("TracerPid:")) {
          found = Integer.parseInt(line.substring("TracerPid:".length()).strip());
        }
      }
      return ended || found == tracer;
    } catch (NoSuchFileException e) {
      return true;
    }
  }
}
