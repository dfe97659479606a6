package io.longshore.criu.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The pstree image (images/pstree.proto): every task of the dump, parents before children.
 *
 * @param tasks the first is the root
 */
public record ProcessTree(List<Task> tasks) {

  /** Largest process id of a 64-bit kernel (PID_MAX_LIMIT, include/linux/threads.h). */
  private static final int MAX_PID = 1 << 22;

  private static final int PID = 1;
  private static final int PPID = 2;
  private static final int PGID = 3;
  private static final int SID = 4;

  /**
   * A task. All ids are those in its own pid namespace. Its threads are not read: of one that ended
   * while it was dumped CRIU writes what happened to be in its memory, and nobody needs them.
   *
   * @param pid process id
   * @param ppid process id of its parent, 0 for the root
   * @param pgid process group, 0 if its leader is outside
   * @param sid session, 0 if its leader is outside
   */
  public record Task(int pid, int ppid, int pgid, int sid) {

    /** Refuses ids that no kernel gives. */
    public Task {
      if (pid < 1 || pid > MAX_PID) {
        throw new IllegalArgumentException("not a process id: " + pid);
      }
      for (int id : new int[] {ppid, pgid, sid}) {
        if (id < 0 || id > MAX_PID) {
          throw new IllegalArgumentException("task " + pid + " has an id that cannot be: " + id);
        }
      }
    }
  }

  /**
   * Refuses a tree without exactly one root, with an id twice or with a parent that does not come
   * first.
   */
  public ProcessTree {
    tasks = List.copyOf(tasks);
    if (tasks.isEmpty()) {
      throw new IllegalArgumentException("a process tree has at least one task");
    }
    Set<Integer> pids = new HashSet<>();
    for (Task task : tasks) {
      boolean rooted = pids.isEmpty() ? task.ppid() == 0 : pids.contains(task.ppid());
      if (!rooted) {
        throw new IllegalArgumentException(
            "the parent %d of task %d does not come before it".formatted(task.ppid(), task.pid()));
      }
      if (!pids.add(task.pid())) {
        throw new IllegalArgumentException("task " + task.pid() + " is there twice");
      }
    }
  }

  /**
   * Reads an image file.
   *
   * @throws ImageFormatException if it is not a process tree
   */
  public static ProcessTree read(Path file) throws IOException {
    return parse(ImageReader.open(file, ImageType.PSTREE));
  }

  /** As {@link #read}, from the remaining bytes of a buffer. */
  public static ProcessTree parse(String name, ByteBuffer image) throws ImageFormatException {
    return parse(ImageReader.open(name, image, ImageType.PSTREE));
  }

  /** The root of the tree. */
  public Task root() {
    return tasks.getFirst();
  }

  private static ProcessTree parse(ImageReader reader) throws ImageFormatException {
    List<Task> tasks = new ArrayList<>();
    while (reader.hasNext()) {
      tasks.add(parseTask(reader.nextFields()));
    }
    try {
      return new ProcessTree(tasks);
    } catch (IllegalArgumentException refused) {
      throw new ImageFormatException("a process tree is refused: " + refused.getMessage(), refused);
    }
  }

  private static Task parseTask(RecordFields fields) throws ImageFormatException {
    int pid = -1;
    int ppid = -1;
    int pgid = -1;
    int sid = -1;
    while (fields.next()) {
      switch (fields.number()) {
        case PID -> pid = id(fields);
        case PPID -> ppid = id(fields);
        case PGID -> pgid = id(fields);
        case SID -> sid = id(fields);
        default -> fields.skip();
      }
    }
    if (pid < 0 || ppid < 0 || pgid < 0 || sid < 0) {
      throw fields.missing("pid, ppid, pgid or sid");
    }
    try {
      return new Task(pid, ppid, pgid, sid);
    } catch (IllegalArgumentException refused) {
      throw fields.refuse(refused);
    }
  }

  private static int id(RecordFields fields) throws ImageFormatException {
    return (int) fields.upTo(MAX_PID);
  }
}
