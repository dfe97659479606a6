package io.longshore.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Whether a process may have devices write into its memory: through files that are open with {@code
 * O_DIRECT} (open(2)), or through an io_uring(7). The memory is handed over when the transfer
 * begins, and what arrives later no page table knows of.
 */
public final class DirectTransfers {
  private static final int O_DIRECT =
      System.getProperty("os.arch").equals("aarch64") ? 0200000 : 040000;
  private static final String RING = "anon_inode:[io_uring]";

  private DirectTransfers() {}

  /**
   * Looks at its open files, as proc_pid_fdinfo(5) shows them.
   *
   * @throws NoSuchFileException if it has ended
   */
  public static boolean isPossibleFor(int pid) throws IOException {
    for (int descriptor : ProcFiles.numbers(ProcFiles.of(pid, "fdinfo"))) {
      String name = Integer.toString(descriptor);
      try {
        if (isDirect(ProcFiles.text(ProcFiles.of(pid, "fdinfo", name)))
            || isRing(ProcFiles.of(pid, "fd", name))) {
          return true;
        }
      } catch (NoSuchFileException e) {
        // Closed meanwhile.
      }
    }
    return false;
  }

  private static boolean isDirect(String facts) {
    return facts
        .lines()
        .filter(line -> line.startsWith("flags:"))
        .anyMatch(line -> (Integer.parseInt(line.substring(6).strip(), 8) & O_DIRECT) != 0);
  }

  private static boolean isRing(Path link) throws IOException {
    return Files.readSymbolicLink(link).toString().equals(RING);
  }
}
