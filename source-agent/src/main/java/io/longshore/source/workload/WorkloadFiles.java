package io.longshore.source.workload;

import io.longshore.agent.workload.FileChecksum;
import io.longshore.agent.workload.FileFacts;
import io.longshore.linux.Mapping;
import io.longshore.linux.Mappings;
import io.longshore.linux.Task;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Collects the files that a workload needs on the target: mapped, open, working and root
 * directories.
 */
final class WorkloadFiles {
  private static final int TYPE_MASK = 0170000;
  private static final int REGULAR = 0100000;

  /** Bits of the last octal digit: 0 is reading only. */
  private static final int O_ACCMODE = 3;

  private static final String DELETED = " (deleted)";

  private final Map<String, FileFacts> files = new LinkedHashMap<>();
  private final List<Problem> problems = new ArrayList<>();

  /** Adds what a process uses. A process or a descriptor that goes meanwhile is left out. */
  void add(Task task) throws IOException {
    Path proc = Path.of("/proc", Integer.toString(task.pid()));
    try {
      for (Mapping mapping : Mappings.read(task.pid())) {
        switch (mapping.kind()) {
          case FILE_PRIVATE -> addMapped(proc, mapping);
          case FILE_SHARED -> addFile(proc, mapping, FileFacts.Use.OPEN, mapping.writable());
          case ANONYMOUS, SHARED_MEMORY, KERNEL -> {}
        }
      }
      addLink(task, proc.resolve("cwd"), false);
      addLink(task, proc.resolve("root"), false);
      try (Stream<Path> descriptors = Files.list(proc.resolve("fd"))) {
        for (Path descriptor : descriptors.toList()) {
          addLink(
              task,
              descriptor,
              isOpenForWriting(proc.resolve("fdinfo").resolve(descriptor.getFileName())));
        }
      }
    } catch (NoSuchFileException e) {
      // It has ended; the freeze will not see it either.
    }
  }

  /** What was found, each file once. */
  List<FileFacts> files() {
    return List.copyOf(files.values());
  }

  /** What cannot move. */
  List<Problem> problems() {
    return problems;
  }

  private void addMapped(Path proc, Mapping mapping) throws IOException {
    addFile(proc, mapping, FileFacts.Use.MAPPED, false);
  }

  private void addFile(Path proc, Mapping mapping, FileFacts.Use use, boolean written)
      throws IOException {
    // The content of a file that was removed goes with the images, as far as CRIU's limit allows.
    if (!mapping.deleted()) {
      put(mapping.file(), proc.resolve("root" + mapping.file()), use, written);
    }
  }

  private void addLink(Task task, Path link, boolean written) throws IOException {
    String name;
    try {
      name = Files.readSymbolicLink(link).toString();
    } catch (NoSuchFileException e) {
      return;
    }
    // pipe:[1], socket:[2], anon_inode:[eventfd] and their like are CRIU's business.
    if (!name.startsWith("/") || name.endsWith(DELETED) || name.startsWith("/memfd:")) {
      return;
    }
    if (name.startsWith("/dev/pts/") || name.startsWith("/dev/tty")) {
      problems.add(
          new Problem(
              Reason.NOT_SESSION_LEADER,
              "process %d (%s) has the terminal %s open as %s"
                  .formatted(task.pid(), task.command(), name, link.getFileName())));
      return;
    }
    FileFacts.Use use = Files.isDirectory(link) ? FileFacts.Use.DIRECTORY : FileFacts.Use.OPEN;
    put(name, link, use, written);
  }

  /** By the flags of open(2), an octal number. */
  private static boolean isOpenForWriting(Path facts) throws IOException {
    try {
      return Files.readAllLines(facts).stream()
          .anyMatch(
              line ->
                  line.startsWith("flags:") && (line.charAt(line.length() - 1) & O_ACCMODE) != 0);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private void put(String path, Path where, FileFacts.Use use, boolean written) throws IOException {
    FileFacts known = files.get(path);
    boolean wasWritten = known != null && known.writtenInode() != 0;
    if (known != null && known.use().compareTo(use) >= 0 && (wasWritten || !written)) {
      return;
    }
    FileFacts.Use most = known != null && known.use().compareTo(use) > 0 ? known.use() : use;
    try {
      int mode = (int) Files.getAttribute(where, "unix:mode");
      boolean regular = (mode & TYPE_MASK) == REGULAR;
      int checksum = most == FileFacts.Use.MAPPED && regular ? FileChecksum.crc32c(where) : 0;
      long inode =
          regular && (written || wasWritten) ? (long) Files.getAttribute(where, "unix:ino") : 0;
      files.put(
          path, new FileFacts(path, most, regular ? Files.size(where) : 0, checksum, mode, inode));
    } catch (NoSuchFileException e) {
      // Gone between the look at the process and the look at the file.
    }
  }
}
