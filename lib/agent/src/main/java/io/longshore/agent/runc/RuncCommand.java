package io.longshore.agent.runc;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Runs runc for something that soon ends. */
final class RuncCommand {
  /** Of a list with thousands of containers. */
  private static final int MOST_OUTPUT = 16 << 20;

  private static final int MOST_WORDS = 2000;

  /** A line of runc's log: {@code time="..." level=error msg="..."}. */
  private static final Pattern LOGGED =
      Pattern.compile("level=(?:error|fatal|warning)[^\\n]* msg=\"((?:[^\"\\\\]|\\\\.)*)\"");

  private RuncCommand() {}

  /**
   * How it ended.
   *
   * @param words what it said about why it failed, on one line
   */
  record Result(int exitStatus, String output, String words) {}

  /**
   * Runs it to its end.
   *
   * @throws LongshoreException RUNTIME_MISSING if there is no such program; RUNTIME_FAILED if it
   *     does not end in time, for which it is killed
   */
  static Result run(List<String> command, Duration limit) throws IOException, InterruptedException {
    Process process = start(new ProcessBuilder(command).redirectInput(new File("/dev/null")));
    CompletableFuture<String> output = new CompletableFuture<>();
    CompletableFuture<String> errors = new CompletableFuture<>();
    Thread.ofVirtual().name("runc-output").start(() -> read(process.getInputStream(), output));
    Thread.ofVirtual().name("runc-errors").start(() -> read(process.getErrorStream(), errors));
    long end = System.nanoTime() + limit.toNanos();
    try {
      if (!process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
        throw late(command, limit);
      }
      return new Result(process.exitValue(), within(output, end), words(within(errors, end)));
    } catch (TimeoutException e) {
      throw late(command, limit);
    } finally {
      process.destroyForcibly();
    }
  }

  /**
   * Starts something of which runc is the last, or the only, part.
   *
   * @throws LongshoreException RUNTIME_MISSING if there is no such program
   */
  static Process start(ProcessBuilder command) {
    // They would have runc ask for other things than it does by itself.
    command.environment().remove("CRIU_CONFIG_FILE");
    try {
      return command.start();
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.RUNTIME_MISSING,
          "cannot run %s: %s".formatted(command.command().getFirst(), e.getMessage()),
          e);
    }
  }

  /** What matters of what runc wrote to its standard error, on one line. */
  static String words(String errors) {
    List<String> logged =
        LOGGED.matcher(errors).results().map(RuncCommand::unquoted).distinct().toList();
    String words =
        (logged.isEmpty() ? errors : String.join("; ", logged))
            .replaceAll("\\p{Cntrl}+", " ")
            .strip();
    return words.length() <= MOST_WORDS ? words : words.substring(0, MOST_WORDS) + "...";
  }

  private static String unquoted(MatchResult line) {
    return line.group(1).replace("\\n", " ").replaceAll("\\\\(.)", "$1");
  }

  private static LongshoreException late(List<String> command, Duration limit) {
    return new LongshoreException(
        Reason.RUNTIME_FAILED,
        "\"%s\" did not end within %s and was killed".formatted(String.join(" ", command), limit));
  }

  private static String within(CompletableFuture<String> text, long end)
      throws InterruptedException, TimeoutException {
    try {
      return text.get(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (java.util.concurrent.ExecutionException e) {
      throw new IllegalStateException("output that never fails has failed", e);
    }
  }

  private static void read(InputStream stream, CompletableFuture<String> text) {
    try (stream) {
      byte[] bytes = stream.readNBytes(MOST_OUTPUT);
      stream.transferTo(OutputStream.nullOutputStream());
      text.complete(new String(bytes, StandardCharsets.UTF_8));
    } catch (IOException e) {
      text.complete("(unreadable: " + e.getMessage() + ")");
    }
  }
}
