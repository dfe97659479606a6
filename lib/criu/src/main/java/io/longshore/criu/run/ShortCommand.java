package io.longshore.criu.run;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs a program that soon ends and prints little. */
final class ShortCommand {

  private static final int MAX_OUTPUT = 64 << 10;

  private ShortCommand() {}

  /** How it ended and the first 64 KiB of what it printed to either stream. */
  record Result(int exitStatus, String output) {
    String firstLine() {
      return output.lines().findFirst().orElse("");
    }
  }

  static Result run(List<String> command, Duration timeout)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
            .start();
    CompletableFuture<String> output = new CompletableFuture<>();
    Thread.ofVirtual().name("output").start(() -> read(process.getInputStream(), output));
    try {
      if (!process.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new IOException(
            "%s did not end within %s and was killed".formatted(command, timeout));
      }
      return new Result(process.exitValue(), output.join());
    } finally {
      process.destroyForcibly();
    }
  }

  private static void read(InputStream stream, CompletableFuture<String> output) {
    try (stream) {
      byte[] bytes = stream.readNBytes(MAX_OUTPUT);
      stream.transferTo(OutputStream.nullOutputStream());
      output.complete(new String(bytes, StandardCharsets.UTF_8));
    } catch (IOException failure) {
      output.complete("(unreadable: " + failure.getMessage() + ")");
    }
  }
}
