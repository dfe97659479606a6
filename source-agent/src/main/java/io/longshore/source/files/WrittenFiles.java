package io.longshore.source.files;

import io.longshore.agent.files.Complaints;
import io.longshore.agent.files.ConfinedProgram;
import io.longshore.linux.Mapping;
import io.longshore.linux.Mappings;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which files of a tree may have been written since a pass began, though their size and time may be
 * as they were.
 *
 * <p>A file's time can be set back, and two writes of one tick of the clock leave the same; its
 * ctime tells of both. What is written through a shared mapping changes a ctime only with the first
 * write after the page was written back, and never on tmpfs: files that are mapped so always count.
 */
final class WrittenFiles {
  /** More than the ticks in which the kernel's clock for files goes, and what it is adjusted by. */
  private static final Duration SLACK = Duration.ofMillis(100);

  private WrittenFiles() {}

  /** A moment by both clocks: that of files may be set. */
  record Moment(Instant wall, long nanos) {
    static Moment now() {
      return new Moment(Instant.now(), System.nanoTime());
    }

    /** The earliest that a file written since then can have, by the clock as it is now. */
    Instant earliestCtime() {
      Instant byNow = Instant.now().minusNanos(System.nanoTime() - nanos);
      return (byNow.isBefore(wall) ? byNow : wall).minus(SLACK);
    }
  }

  /** Inodes of files that processes have mapped shared and writable. */
  static Set<Long> mapped(Collection<Integer> pids) throws IOException {
    Set<Long> inodes = new TreeSet<>();
    for (int pid : pids) {
      try {
        for (Mapping mapping : Mappings.read(pid)) {
          if (mapping.kind() == Mapping.Kind.FILE_SHARED && mapping.writable()) {
            inodes.add(mapping.inode());
          }
        }
      } catch (NoSuchFileException e) {
        // It has ended.
      }
    }
    return inodes;
  }

  /**
   * Writes their names to a file, each with a zero byte behind it. Each name of a file that has
   * several is there.
   *
   * @param mapped inodes that count in any case
   * @param writeBack whether what was written by mappings is written back before
   * @return how many names
   */
  static long list(
      FileTree tree,
      Moment since,
      Set<Long> mapped,
      boolean writeBack,
      ConfinedProgram confined,
      Path names)
      throws IOException, InterruptedException {
    Instant ctime = since.earliestCtime();
    List<String> command = new ArrayList<>(List.of("find", ".", "-type", "f", "(", "-newerct"));
    command.add("@%d.%09d".formatted(ctime.getEpochSecond(), ctime.getNano()));
    mapped.forEach(inode -> command.addAll(List.of("-o", "-inum", Long.toString(inode))));
    command.addAll(List.of(")", "-printf", "./%P\\0"));
    Process process =
        ConfinedProgram.start(
            confined
                .command(writeBack ? tree.view().writtenBack() : tree.view(), command)
                .redirectOutput(names.toFile()));
    process.getOutputStream().close();
    Complaints complaints =
        new Complaints(
            process.getErrorStream(), line -> !line.contains("No such file or directory"));
    int status = process.waitFor();
    List<String> words = complaints.await();
    if (!words.isEmpty()) {
      throw new LongshoreException(
          Reason.FILES_FAILED,
          "cannot look for written files in %s: find ended with %d: %s"
              .formatted(tree, status, String.join("; ", words)));
    }
    return count(names);
  }

  private static long count(Path names) throws IOException {
    long count = 0;
    byte[] buffer = new byte[64 << 10];
    try (InputStream in = Files.newInputStream(names)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        for (int i = 0; i < read; i++) {
          count += buffer[i] == 0 ? 1 : 0;
        }
      }
    }
    return count;
  }
}
