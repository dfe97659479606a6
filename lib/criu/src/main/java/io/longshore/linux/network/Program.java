package io.longshore.linux.network;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs nft(8) and ip(8). */
final class Program {
  private static final int SECONDS = 10;

  private Program() {}

  /**
   * Runs a program to its end.
   *
   * @param input what it reads
   * @return what it printed
   * @throws IOException with what it printed, if it cannot be run, fails, or takes longer than 10 s
   */
  static String run(List<String> command, String input) throws IOException {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new IOException(
          "cannot run %s: is it installed? (%s)".formatted(command.getFirst(), e.getMessage()), e);
    }
    try {
      process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().close();
      String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        throw new IOException(String.join(" ", command) + " did not end within " + SECONDS + " s");
      }
      if (process.exitValue() != 0) {
        throw new IOException(
            "%s failed with %d: %s"
                .formatted(String.join(" ", command), process.exitValue(), output));
      }
      return output;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while running " + command.getFirst(), e);
    } finally {
      process.destroyForcibly();
    }
  }
}
