package io.longshore.source.files;

import io.longshore.agent.files.ConfinedProgram.View;
import java.nio.file.Path;
import java.util.OptionalInt;

/**
 * A tree of files that is to be copied: one mount's, without what is mounted below it or over parts
 * of it.
 *
 * @param number of it in its migration, from 1; the target knows its destination by it
 * @param path absolute path of its root, a folder
 * @param process whose path it is, in its mount namespace and from its root; empty: this host's
 */
public record FileTree(int number, Path path, OptionalInt process) {
  /** Refuses what cannot be. */
  public FileTree {
    if (number < 1 || !path.isAbsolute()) {
      throw new IllegalArgumentException("no tree of files: %d, %s".formatted(number, path));
    }
  }

  /** A tree of this host. */
  public static FileTree ofHost(int number, Path path) {
    return new FileTree(number, path, OptionalInt.empty());
  }

  /** A tree as a process finds it, such as the first of a container. */
  public static FileTree ofProcess(int number, int pid, Path path) {
    return new FileTree(number, path, OptionalInt.of(pid));
  }

  View view() {
    return View.of(path, process);
  }

  @Override
  public String toString() {
    return process.isPresent()
        ? "%s of process %d".formatted(path, process.getAsInt())
        : path.toString();
  }
}
