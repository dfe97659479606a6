package io.longshore.linux;

import java.io.IOException;
import java.util.Optional;

/** Where the threads of a stopped process are in its code; proc_pid_syscall(5). */
public final class StoppedThreads {
  private StoppedThreads() {}

  /**
   * Whether all threads of a process are in the mapping in which its first thread is.
   *
   * @param pid of a process that is stopped; of one that runs the answer is false
   */
  public static boolean areTogether(int pid) throws IOException {
    Optional<Long> first = counter(pid, pid);
    if (first.isEmpty()) {
      return false;
    }
    Optional<Mapping> code =
        Mappings.read(pid).stream()
            .filter(
                mapping ->
                    Long.compareUnsigned(mapping.start(), first.get()) <= 0
                        && Long.compareUnsigned(first.get(), mapping.end()) < 0)
            .findFirst();
    if (code.isEmpty()) {
      return false;
    }
    for (int thread : ProcFiles.numbers(ProcFiles.of(pid, "task"))) {
      Optional<Long> counter = counter(pid, thread);
      if (counter.isEmpty()
          || Long.compareUnsigned(counter.get(), code.get().start()) < 0
          || Long.compareUnsigned(counter.get(), code.get().end()) >= 0) {
        return false;
      }
    }
    return true;
  }

  /** The program counter is the last word; a thread that runs has none. */
  private static Optional<Long> counter(int pid, int thread) throws IOException {
    String line =
        ProcFiles.text(ProcFiles.of(pid, "task", Integer.toString(thread), "syscall")).strip();
    int last = line.lastIndexOf(" 0x");
    return last < 0
        ? Optional.empty()
        : Optional.of(Long.parseUnsignedLong(line.substring(last + 3), 16));
  }
}
