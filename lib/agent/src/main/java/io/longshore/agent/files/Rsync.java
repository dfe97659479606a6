package io.longshore.agent.files;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * rsync(1), and the options that both ends of a session must have in common. Each agent makes those
 * of its own end; no option ever comes from the other side.
 */
public final class Rsync {
  /**
   * From 3.2.0 on both ends understand the same letters of capabilities. Those of a newer one are
   * no harm to an older.
   */
  private static final int LEAST = 302;

  private static final String REMEDY =
      "install the package rsync, 3.2.0 or newer, on both nodes (deploy/setup does it)";

  private static final Pattern VERSION = Pattern.compile("rsync +version v?(\\d+)\\.(\\d+)\\S*");

  // What a client says to its server for its options (with --rsh it can be seen). Times are
  // compared to the nanosecond: by default whole seconds are, and a file that is written twice in
  // one would count as the same.
  private static final List<String> EQUAL = List.of("--numeric-ids", "-@-1", "--force", "--stats");
  private static final String SERVER_WHOLE = "-lHogDtpAXrSe.iLsfxCIvu";
  private static final String SERVER_CHOSEN = "-ldHogDtpAXIRSe.LsfxCIvu";

  private Rsync() {}

  /**
   * What keeps the rsync of this host from being used.
   *
   * @return empty if nothing does
   */
  public static Optional<String> obstacle() throws InterruptedException {
    String found;
    try {
      Process process = new ProcessBuilder("rsync", "--version").redirectErrorStream(true).start();
      process.getOutputStream().close();
      found = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      process.waitFor();
    } catch (IOException e) {
      return Optional.of("rsync cannot be started (%s): %s".formatted(e.getMessage(), REMEDY));
    }
    Matcher version = VERSION.matcher(found);
    if (!version.find()) {
      return Optional.of("rsync does not tell its version: " + REMEDY);
    }
    int number = 100 * Integer.parseInt(version.group(1)) + Integer.parseInt(version.group(2));
    return number >= LEAST
        ? Optional.empty()
        : Optional.of("%s is too old: %s".formatted(version.group(), REMEDY));
  }

  /**
   * Refuses to go on without it.
   *
   * @throws LongshoreException RSYNC_MISSING
   */
  public static void require() throws InterruptedException {
    Optional<String> obstacle = obstacle();
    if (obstacle.isPresent()) {
      throw new LongshoreException(Reason.RSYNC_MISSING, obstacle.get());
    }
  }

  /**
   * The sending end, with the tree as its working folder. Files to be chosen are named on its
   * standard input, each with a zero byte behind it.
   *
   * @param bridge what it starts to reach the other end
   */
  public static List<String> sender(Selection selection, String bridge) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "rsync",
                "--links",
                "--perms",
                "--times",
                "--group",
                "--owner",
                "-D",
                "--hard-links",
                "--acls",
                "--xattrs",
                "--sparse",
                "--numeric-ids",
                "--modify-window=-1",
                "--force",
                "--stats",
                "--no-s",
                "--rsh=" + bridge));
    command.addAll(
        switch (selection) {
          case WHOLE -> List.of("--recursive", "--delete");
          case CHOSEN ->
              List.of("--ignore-times", "--ignore-missing-args", "--files-from=-", "--from0");
        });
    command.addAll(List.of("./", "target:./"));
    return command;
  }

  /** The receiving end, with the destination as its working folder. */
  public static List<String> receiver(Selection selection) {
    List<String> command = new ArrayList<>(List.of("rsync", "--server"));
    command.addAll(
        switch (selection) {
          case WHOLE -> List.of(SERVER_WHOLE, "--delete");
          case CHOSEN -> List.of(SERVER_CHOSEN);
        });
    command.addAll(EQUAL);
    command.addAll(List.of(".", "./"));
    return command;
  }
}
