package io.longshore.linux;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/**
 * Processes that are known for good, by pid and start time, with all that descends from them.
 *
 * <p>Descendants whose parents have ended are found by their session, if a process that is known
 * began it: a session is only ever inherited. One that left its session and lost its parent is not
 * found.
 */
public final class ProcessFamily {
  private static final Path PROC = Path.of("/proc");
  private static final Duration LOOK = Duration.ofMillis(1);

  private final Set<Member> known;

  /**
   * A process.
   *
   * @param pid as this process sees it
   * @param startTime clock ticks after boot: another process with this pid has another
   */
  public record Member(int pid, long startTime) {
    /**
     * The process that has this pid now.
     *
     * @throws NoSuchFileException if there is none
     */
    public static Member of(int pid) throws IOException {
      return of(TaskReader.read(pid));
    }

    static Member of(Task task) {
      return new Member(task.pid(), task.startTime());
    }

    /** Whether it has not ended; it may be stopped or frozen. */
    public boolean isAlive() throws IOException {
      try {
        Task now = TaskReader.read(pid);
        return now.startTime() == startTime && now.alive();
      } catch (NoSuchFileException e) {
        return false;
      }
    }

    /**
     * Whether it lives and has no memory any more: it is about to end, and perhaps waits for what
     * must end before it, as the first process of a pid namespace does.
     */
    public boolean isEnding() throws IOException {
      try {
        return ProcFiles.text(ProcFiles.of(pid, "statm")).startsWith("0 ") && isAlive();
      } catch (NoSuchFileException e) {
        return false;
      }
    }
  }

  /**
   * @param known any of which may have ended
   */
  public ProcessFamily(List<Member> known) {
    this.known = Set.copyOf(known);
  }

  /**
   * A process and its descendants, as they are now.
   *
   * @throws NoSuchFileException if there is no such process
   */
  public static List<Member> below(int root) throws IOException {
    return ProcessTree.of(root).tasks().stream().map(Member::of).toList();
  }

  /** Those that have not ended; a process that has another's pid now is never among them. */
  public List<Member> alive() throws IOException {
    return relatives().stream().filter(Task::alive).map(Member::of).toList();
  }

  /**
   * Ends all with SIGKILL and waits until they have ended. First all are stopped, so that none is
   * born while they are looked for.
   *
   * @throws IOException if some live on when the time is over
   */
  public void kill(Duration timeout) throws IOException {
    long deadline = System.nanoTime() + Durations.nanoseconds(timeout);
    Map<Member, Pidfd> family = new HashMap<>();
    try {
      Set<Member> ended = new HashSet<>();
      while (stopOthers(family)) {
        for (Pidfd process : family.values()) {
          signal(process, Pidfd.SIGKILL);
        }
        for (Map.Entry<Member, Pidfd> each : family.entrySet()) {
          Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
          if (ended.add(each.getKey()) && !each.getValue().awaitExit(left)) {
            throw new IOException(
                "process %d lives on %s after SIGKILL".formatted(each.getKey().pid(), timeout));
          }
        }
      }
    } finally {
      family.values().forEach(Pidfd::close);
    }
  }

  /**
   * Stops the known processes, not their descendants, and waits until none of their threads does
   * anything. Those that have ended count as stopped.
   *
   * @throws IOException if some go on when the time is over
   */
  public void stop(Duration timeout) throws IOException {
    signalKnown(Pidfd.SIGSTOP);
    long deadline = System.nanoTime() + Durations.nanoseconds(timeout);
    for (Member member : known) {
      while (!hasStopped(member)) {
        if (System.nanoTime() - deadline > 0) {
          throw new IOException(
              "process %d has not stopped after %s".formatted(member.pid(), timeout));
        }
        LockSupport.parkNanos(LOOK.toNanos());
      }
    }
  }

  /** Lets what {@link #stop} stopped go on. */
  public void goOn() throws IOException {
    signalKnown(Pidfd.SIGCONT);
  }

  private void signalKnown(int signal) throws IOException {
    for (Member member : known) {
      Optional<Pidfd> process = open(member);
      if (process.isPresent()) {
        try (Pidfd opened = process.get()) {
          signal(opened, signal);
        }
      }
    }
  }

  private static boolean hasStopped(Member member) throws IOException {
    try {
      for (int thread : ProcFiles.numbers(ProcFiles.of(member.pid(), "task"))) {
        switch (TaskReader.threadState(member.pid(), thread)) {
          case STOPPED, ZOMBIE, DEAD -> {}
          case RUNNING, SLEEPING, UNINTERRUPTIBLE, TRACED, IDLE -> {
            return false;
          }
        }
      }
      return true;
    } catch (NoSuchFileException e) {
      return !member.isAlive();
    }
  }

  /** Stops who is not among these yet, until there is nobody else; whether there was somebody. */
  private boolean stopOthers(Map<Member, Pidfd> family) throws IOException {
    int before = family.size();
    boolean grew = true;
    while (grew) {
      grew = false;
      for (Task task : relatives()) {
        Member member = Member.of(task);
        if (family.containsKey(member)) {
          continue;
        }
        Optional<Pidfd> process = open(member);
        if (process.isPresent()) {
          family.put(member, process.get());
          signal(process.get(), Pidfd.SIGSTOP);
          grew = true;
        }
      }
    }
    return family.size() > before;
  }

  /** By a descriptor, which stays that process's, and only then is looked whether it is the one. */
  private static Optional<Pidfd> open(Member member) throws IOException {
    Pidfd process;
    try {
      process = Pidfd.open(member.pid());
    } catch (SystemCallException e) {
      return Optional.empty();
    }
    try {
      if (TaskReader.read(member.pid()).startTime() == member.startTime()) {
        return Optional.of(process);
      }
    } catch (NoSuchFileException e) {
      // It has ended, and whoever waited for it knows.
    }
    process.close();
    return Optional.empty();
  }

  private static void signal(Pidfd process, int signal) throws SystemCallException {
    try {
      process.signal(signal);
    } catch (SystemCallException e) {
      if (e.errno() != Errno.ESRCH) {
        throw e;
      }
    }
  }

  private List<Task> relatives() throws IOException {
    List<Task> all = new ArrayList<>();
    for (int pid : ProcFiles.numbers(PROC)) {
      try {
        all.add(TaskReader.read(pid));
      } catch (NoSuchFileException e) {
        // Ended since.
      }
    }
    Set<Integer> begun = known.stream().map(Member::pid).collect(Collectors.toSet());
    Map<Integer, Task> found = new HashMap<>();
    Set<Integer> sessions = new HashSet<>();
    int before;
    do {
      before = found.size();
      for (Task task : all) {
        if (known.contains(Member.of(task))
            || found.containsKey(task.parentPid())
            || sessions.contains(task.sessionId())) {
          found.put(task.pid(), task);
          begun.add(task.pid());
          if (begun.contains(task.sessionId())) {
            sessions.add(task.sessionId());
          }
        }
      }
    } while (found.size() > before);
    return List.copyOf(found.values());
  }
}
