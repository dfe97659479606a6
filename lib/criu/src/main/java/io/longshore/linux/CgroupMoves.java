package io.longshore.linux;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;

/** Moves a process tree into cgroups. */
final class CgroupMoves {
  private static final int PASSES = 100;

  private CgroupMoves() {}

  /** Where a process is, and how it gets where it should be. */
  interface Move {
    /** Whether it is where it should be. */
    boolean isThere(int pid) throws IOException;

    /** Moves it. */
    void move(int pid) throws IOException;
  }

  /**
   * Again and again until none is outside: what a process forks while it is being moved may be born
   * outside.
   *
   * @throws NoSuchFileException if the root has ended
   */
  static void moveTree(int root, Move move) throws IOException {
    for (int pass = 0; pass < PASSES; pass++) {
      List<Integer> outside = outside(root, move);
      if (outside.isEmpty()) {
        return;
      }
      for (int pid : outside) {
        try {
          move.move(pid);
        } catch (NoSuchFileException e) {
          // It has ended; if it was the root, the next pass says so
        }
      }
    }
    throw new IOException(
        "after %d passes there are still processes below %d outside of %s"
            .formatted(PASSES, root, move));
  }

  private static List<Integer> outside(int root, Move move) throws IOException {
    List<Integer> outside = new ArrayList<>();
    for (Task task : ProcessTree.of(root).tasks()) {
      try {
        if (task.alive() && !move.isThere(task.pid())) {
          outside.add(task.pid());
        }
      } catch (NoSuchFileException e) {
        // Ended since; nothing to move.
      }
    }
    return outside;
  }
}
