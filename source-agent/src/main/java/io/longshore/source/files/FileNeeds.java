package io.longshore.source.files;

import io.longshore.agent.files.Complaints;
import io.longshore.agent.files.ConfinedProgram;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a tree needs of a disk.
 *
 * @param files of any kind, folders too; a file with several names is one
 * @param bytes that they take, without their holes
 * @param largestBytes of the largest of them: it is on the target twice while it is renewed
 */
public record FileNeeds(long files, long bytes, long largestBytes) {
  private static final long BLOCK = 512;

  /** Free space that the target must have. */
  public long neededBytes() {
    return bytes + largestBytes;
  }

  /**
   * Looks at a tree. It takes as long as a look at each file does.
   *
   * @throws LongshoreException FILES_FAILED if it cannot be looked at
   */
  public static FileNeeds of(FileTree tree, ConfinedProgram confined) throws InterruptedException {
    try {
      Process process =
          ConfinedProgram.start(
              confined.command(tree.view(), List.of("find", ".", "-printf", "%i %n %b %y\\n")));
      process.getOutputStream().close();
      // What a running workload removes meanwhile is no harm.
      Complaints complaints =
          new Complaints(
              process.getErrorStream(), line -> !line.contains("No such file or directory"));
      FileNeeds needs;
      try (BufferedReader lines = process.inputReader(StandardCharsets.US_ASCII)) {
        needs = sum(lines);
      }
      int status = process.waitFor();
      List<String> words = complaints.await();
      if (needs.files() == 0 || !words.isEmpty()) {
        throw failed(tree, "find ended with %d: %s".formatted(status, String.join("; ", words)));
      }
      return needs;
    } catch (IOException e) {
      throw failed(tree, String.valueOf(e.getMessage()));
    }
  }

  private static FileNeeds sum(BufferedReader lines) throws IOException {
    Set<Long> seen = new HashSet<>();
    long files = 0;
    long bytes = 0;
    long largest = 0;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ", -1);
      boolean folder = words[3].equals("d");
      if (folder || words[1].equals("1") || seen.add(Long.parseLong(words[0]))) {
        long of = Long.parseLong(words[2]) * BLOCK;
        files++;
        bytes += of;
        largest = folder ? largest : Math.max(largest, of);
      }
    }
    return new FileNeeds(files, bytes, largest);
  }

  private static LongshoreException failed(FileTree tree, String why) {
    return new LongshoreException(
        Reason.FILES_FAILED, "cannot look at the files in %s: %s".formatted(tree, why));
  }
}
