package io.longshore.linux;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Stops all threads of a process for a moment; ptrace(2). */
public final class HeldProcess {
  private HeldProcess() {}

  /** What is done while the process does not run. */
  @FunctionalInterface
  public interface Action {
    void run() throws IOException;
  }

  /**
   * Runs {@code action} while no thread of the process runs; then they go on.
   *
   * @param limit how long to wait for them to stop
   * @return false if one did not stop, because it is traced already, frozen, or waits
   *     uninterruptibly: then the action was not run. So for children of this process, see {@link
   *     InjectedCalls}
   */
  public static boolean whileStopped(int pid, Duration limit, Action action) throws IOException {
    if (Task.read(pid).parentPid() == ProcessHandle.current().pid()) {
      return false;
    }
    long deadline = System.nanoTime() + Durations.nanoseconds(limit);
    return TracingThread.run(
        () -> {
          Map<Integer, TracedThread> stopped = new LinkedHashMap<>();
          try {
            if (!stopAll(pid, deadline, stopped)) {
              return false;
            }
            action.run();
            return true;
          } finally {
            // The end of this thread would let go of them as well, a little later.
            for (TracedThread thread : stopped.values()) {
              thread.detach();
              thread.close();
            }
          }
        });
  }

  /** Stops threads until there is none that runs: one may have made another before it stopped. */
  private static boolean stopAll(int pid, long deadline, Map<Integer, TracedThread> stopped)
      throws IOException {
    while (true) {
      List<Integer> running = new ArrayList<>(ProcFiles.numbers(ProcFiles.of(pid, "task")));
      running.removeAll(stopped.keySet());
      if (running.isEmpty()) {
        return true;
      }
      for (int thread : running) {
        try {
          TracedThread traced = TracedThread.seize(pid, thread);
          if (!traced.stop(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())))) {
            traced.close();
            return false;
          }
          stopped.put(thread, traced);
        } catch (SystemCallException e) {
          if (e.errno() != Errno.ESRCH) {
            return false;
          }
          // It has ended meanwhile.
        }
      }
    }
  }
}
