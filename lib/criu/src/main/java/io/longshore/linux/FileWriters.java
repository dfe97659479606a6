package io.longshore.linux;

import io.longshore.linux.ProcessFamily.Member;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Processes that have a file open for writing, as {@code /proc/PID/fd} shows; proc(5). */
public final class FileWriters {
  private static final String FLAGS = "flags:";
  private static final int ACCESS_MODE = 3;

  private FileWriters() {}

  /**
   * All of them but this one.
   *
   * @param file absolute, without symbolic links
   */
  public static List<Member> of(Path file) throws IOException {
    List<Member> found = new ArrayList<>();
    for (int pid : ProcFiles.numbers(Path.of("/proc"))) {
      if (pid == ProcessHandle.current().pid()) {
        continue;
      }
      try {
        if (writes(pid, file)) {
          found.add(Member.of(pid));
        }
      } catch (NoSuchFileException | AccessDeniedException e) {
        // It has ended, whether or not somebody waited for it; or it may do more than we, so it is
        // none of ours.
      }
    }
    return found;
  }

  private static boolean writes(int pid, Path file) throws IOException {
    for (int descriptor : ProcFiles.numbers(ProcFiles.of(pid, "fd"))) {
      String number = Integer.toString(descriptor);
      try {
        if (Files.readSymbolicLink(ProcFiles.of(pid, "fd", number)).equals(file)
            && isForWriting(ProcFiles.text(ProcFiles.of(pid, "fdinfo", number)))) {
          return true;
        }
      } catch (NoSuchFileException e) {
        // Closed since.
      }
    }
    return false;
  }

  /** The flags are octal; the access mode is 0 for reading. */
  private static boolean isForWriting(String info) {
    return info.lines()
        .filter(line -> line.startsWith(FLAGS))
        .anyMatch(
            line ->
                (Integer.parseUnsignedInt(line.substring(FLAGS.length()).strip(), 8) & ACCESS_MODE)
                    != 0);
  }
}
