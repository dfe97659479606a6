package io.longshore.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Reads and writes the files of a cgroup; cgroups(7). */
final class CgroupFiles {
  private static final String PROCS = "cgroup.procs";

  private CgroupFiles() {}

  static String read(Path cgroup, String file) throws IOException {
    return Files.readString(cgroup.resolve(file), StandardCharsets.US_ASCII).strip();
  }

  static void write(Path cgroup, String file, String value) throws IOException {
    Path path = cgroup.resolve(file);
    try {
      Files.write(path, value.getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE);
    } catch (NoSuchFileException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(
          "writing '%s' to %s failed: %s".formatted(value, path, e.getMessage()), e);
    }
  }

  /** Pids of the members, in the reader's namespace; those outside it are left out. */
  static List<Integer> processes(Path cgroup) throws IOException {
    return Files.readAllLines(cgroup.resolve(PROCS), StandardCharsets.US_ASCII).stream()
        .map(Integer::valueOf)
        .filter(pid -> pid != 0)
        .toList();
  }

  /**
   * Moves a process with all its threads.
   *
   * @return false if it has ended
   */
  static boolean move(int pid, Path cgroup) throws IOException {
    try {
      write(cgroup, PROCS, Integer.toString(pid));
      return true;
    } catch (IOException e) {
      if (!isAlive(pid)) {
        return false;
      }
      throw e;
    }
  }

  /** Whether it is there and neither a zombie nor about to be one: such are members of nothing. */
  static boolean isAlive(int pid) throws IOException {
    try {
      return TaskReader.read(pid).alive();
    } catch (NoSuchFileException e) {
      return false;
    }
  }
}
