package io.longshore.linux;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.Collection;

/** What processes have used of the processors; proc_pid_stat(5). */
public final class ProcessorTime {
  // Fields behind the command: of its own threads, and of children that it has waited for.
  private static final int USER = 11;
  private static final int CHILDREN_SYSTEM = 14;

  /** {@code USER_HZ}, the same on all architectures that there are agents for. */
  private static final long TICKS_PER_SECOND = 100;

  private ProcessorTime() {}

  /** All of them together; those that have ended count nothing. */
  public static Duration of(Collection<Integer> pids) throws IOException {
    long ticks = 0;
    for (int pid : pids) {
      try {
        String stat = ProcFiles.text(ProcFiles.of(pid, "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        for (int field = USER; field <= CHILDREN_SYSTEM; field++) {
          ticks += Long.parseLong(fields[field]);
        }
      } catch (NoSuchFileException e) {
        // Ended since.
      }
    }
    return Duration.ofMillis(ticks * 1000 / TICKS_PER_SECOND);
  }
}
