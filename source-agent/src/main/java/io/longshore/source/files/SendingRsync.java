package io.longshore.source.files;

import io.longshore.agent.files.Complaints;
import io.longshore.agent.files.ConfinedProgram;
import io.longshore.agent.files.Rsync;
import io.longshore.agent.files.Selection;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A sending rsync, one after the other. It sees the tree, read-only, and reaches the target through
 * a socket of the agent alone. For one thread.
 */
final class SendingRsync {
  private static final Pattern TRANSFERRED =
      Pattern.compile("Number of regular files transferred: ([\\d,]+)");

  // What may become of a file while it is read; a later pass sends it.
  private static final List<String> OF_RUNNING =
      List.of(
          "file has vanished: ",
          "failed verification -- update ",
          "No such file or directory (2)",
          "No data available (61)",
          "IO error encountered -- skipping file deletion",
          "some files vanished before they could be transferred",
          "some files/attrs were not transferred");
  // rsync(1), exit values.
  private static final List<Integer> IN_PART = List.of(23, 24);
  private static final List<Integer> CUT = List.of(10, 12, 30);
  private static final List<String> FULL =
      List.of("No space left on device (28)", "Disk quota exceeded (122)");

  private final FileTree tree;
  private final ConfinedProgram confined;
  private final Path folder;
  private int sessions;

  /**
   * @param folder for its socket; only the agent can enter it
   */
  SendingRsync(FileTree tree, ConfinedProgram confined, Path folder) {
    this.tree = tree;
    this.confined = confined;
    this.folder = folder;
  }

  /** What a session did. */
  record Done(long bytes, long files) {}

  /**
   * Runs one.
   *
   * @param names file with the names of the chosen; empty: the whole tree
   * @param running whether the workload runs: a file that it changes or removes meanwhile is no
   *     failure then
   * @param writeBack whether what was written by mappings is written back before
   * @throws LongshoreException FILES_FAILED with rsync's words, DISK_FULL, or the link's reason
   */
  Done run(FileLink link, Optional<Path> names, boolean running, boolean writeBack)
      throws IOException, InterruptedException {
    Selection selection = names.isPresent() ? Selection.CHOSEN : Selection.WHOLE;
    // A name of its own: what is left of the session before may still remove that one's.
    Path name = folder.resolve("rsync-%d-%d".formatted(tree.number(), ++sessions));
    try (BridgeSocket socket = new BridgeSocket(name)) {
      ProcessBuilder command =
          confined.command(
              (writeBack ? tree.view().writtenBack() : tree.view()).with(socket.path()),
              Rsync.sender(selection, ConfinedProgram.BRIDGE));
      command.redirectInput(names.map(Path::toFile).orElse(new File("/dev/null")));
      Process process = ConfinedProgram.start(command);
      FileLink.Session session = link.open(tree.number(), selection);
      try {
        Complaints complaints =
            new Complaints(process.getErrorStream(), line -> !running || matters(line));
        CompletableFuture<Long> files = transferred(process);
        socket.connect(process, session);
        process.waitFor();
        return outcome(process, complaints.await(), socket, files, running);
      } finally {
        session.cancel();
        process.destroyForcibly();
        process.onExit().orTimeout(10, TimeUnit.SECONDS).exceptionally(late -> process).join();
      }
    }
  }

  private Done outcome(
      Process process,
      List<String> words,
      BridgeSocket socket,
      CompletableFuture<Long> files,
      boolean running)
      throws InterruptedException {
    int status = process.exitValue();
    if (words.stream().anyMatch(line -> FULL.stream().anyMatch(line::contains))) {
      throw new LongshoreException(Reason.DISK_FULL, failure(status, words));
    }
    // It says more than rsync does of the end of a connection.
    socket.awaitTarget(!(status == 0 || IN_PART.contains(status) || CUT.contains(status)));
    if (status != 0 && !(running && words.isEmpty() && IN_PART.contains(status))) {
      throw new LongshoreException(Reason.FILES_FAILED, failure(status, words));
    }
    return new Done(socket.bytes(), files.join());
  }

  private String failure(int status, List<String> words) {
    return "the files in %s could not be copied: rsync ended with %d: %s"
        .formatted(tree, status, String.join("; ", words));
  }

  private static boolean matters(String line) {
    return OF_RUNNING.stream().noneMatch(line::contains);
  }

  private static CompletableFuture<Long> transferred(Process process) {
    CompletableFuture<Long> files = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("rsync-output")
        .start(
            () -> {
              long count = 0;
              try (BufferedReader lines = process.inputReader(StandardCharsets.ISO_8859_1)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                  Matcher found = TRANSFERRED.matcher(line);
                  if (found.lookingAt()) {
                    count = Long.parseLong(found.group(1).replace(",", ""));
                  }
                }
              } catch (IOException e) {
                // It was killed.
              }
              files.complete(count);
            });
    return files;
  }
}
