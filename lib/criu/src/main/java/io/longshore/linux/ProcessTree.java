package io.longshore.linux;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A process and all its descendants at one moment.
 *
 * <p>Found through {@code /proc/PID/task/TID/children} (proc_tid_children(5)), which is exact only
 * for processes that do not run; so the walk is repeated until two in a row agree. A descendant
 * whose parent has ended belongs to init and is not part of the tree, for CRIU neither.
 *
 * @param tasks the root first, parents before their children
 * @param stable whether two walks in a row agreed; a tree that forks all the time gives false
 *     unless it is frozen
 */
public record ProcessTree(List<Task> tasks, boolean stable) {
  private static final int WALKS = 16;

  public ProcessTree {
    tasks = List.copyOf(tasks);
    if (tasks.isEmpty()) {
      throw new IllegalArgumentException("a process tree has a root");
    }
  }

  /**
   * Reads the tree below {@code rootPid}, zombies included.
   *
   * @throws NoSuchFileException if there is no such process
   */
  public static ProcessTree of(int rootPid) throws IOException {
    List<Task> previous = walk(rootPid);
    for (int i = 1; i < WALKS; i++) {
      List<Task> current = walk(rootPid);
      if (sameTasks(previous, current)) {
        return new ProcessTree(current, true);
      }
      previous = current;
    }
    return new ProcessTree(previous, false);
  }

  /** The process it was asked for. */
  public Task root() {
    return tasks.getFirst();
  }

  /** The pids in the order of {@link #tasks}. */
  public List<Integer> pids() {
    return tasks.stream().map(Task::pid).toList();
  }

  /** The process with that pid, if it is in the tree. */
  public Optional<Task> find(int pid) {
    return tasks.stream().filter(task -> task.pid() == pid).findFirst();
  }

  private static List<Task> walk(int rootPid) throws IOException {
    Map<Integer, Task> found = new LinkedHashMap<>();
    found.put(rootPid, TaskReader.read(rootPid));
    List<Integer> open = new ArrayList<>(List.of(rootPid));
    while (!open.isEmpty()) {
      int pid = open.removeFirst();
      for (int child : children(pid)) {
        if (found.containsKey(child)) {
          continue;
        }
        try {
          found.put(child, TaskReader.read(child));
          open.add(child);
        } catch (NoSuchFileException e) {
          // Ended since its parent was read; the next walk will not see it.
        }
      }
    }
    return List.copyOf(found.values());
  }

  /** Children of all threads of {@code pid}; none if it has ended. */
  private static List<Integer> children(int pid) throws IOException {
    List<Integer> children = new ArrayList<>();
    try {
      for (int thread : ProcFiles.numbers(ProcFiles.of(pid, "task"))) {
        String text =
            ProcFiles.text(ProcFiles.of(pid, "task", Integer.toString(thread), "children"));
        for (String child : text.strip().split(" ", -1)) {
          if (!child.isEmpty()) {
            children.add(Integer.valueOf(child));
          }
        }
      }
    } catch (NoSuchFileException e) {
      // A thread or the process ended meanwhile; its children have moved and the next walk tells.
      return children;
    }
    return children;
  }

  private static boolean sameTasks(List<Task> first, List<Task> second) {
    if (first.size() != second.size()) {
      return false;
    }
    for (int i = 0; i < first.size(); i++) {
      Task a = first.get(i);
      Task b = second.get(i);
      if (a.pid() != b.pid()
          || a.startTime() != b.startTime()
          || !a.ownThreadIds().equals(b.ownThreadIds())) {
        return false;
      }
    }
    return true;
  }
}
