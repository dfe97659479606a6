package io.longshore.linux.network;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs nft(8) and ip(8). */
final class Program {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private Program() {}

  /**
   * Runs a program to its end.
   *
   * @param input what it reads
   * @return what it printed
   * @throws IOException with what it printed, if it cannot be run, fails, or takes longer than 10 s
   */
  static String run(List<String> command, String input) throws IOException {
    return run(command, input, LIMIT);
  }

  static String run(List<String> command, String input, Duration limit) throws IOException {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new IOException(
          "cannot run %s: is it installed? (%s)".formatted(command.getFirst(), e.getMessage()), e);
    }
    // Ending it ends the read below too; by its handle, since the other way closes what is read.
    CompletableFuture<Boolean> endedLate =
        process
            .onExit()
            .thenApply(ended -> false)
            .completeOnTimeout(true, limit.toMillis(), TimeUnit.MILLISECONDS)
            .thenApply(late -> late && process.toHandle().destroyForcibly());
    try {
      process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().close();
      String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      process.waitFor();
      if (endedLate.join()) {
        throw new IOException(
            "%s did not end within %s and was ended: %s"
                .formatted(String.join(" ", command), limit, output));
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
