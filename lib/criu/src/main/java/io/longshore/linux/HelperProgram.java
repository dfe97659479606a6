package io.longshore.linux;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A small program that this library brings along, as a process that goes on to a good end when this
 * one is killed: it takes orders of a line, answers each with a line, and ends with its input.
 * Thread-safe.
 */
final class HelperProgram implements AutoCloseable {
  private static final String TEXT_BUSY = "error=26";
  private static final int MOST_TRIES = 50;
  private static final long BUSY_NANOS = 10_000_000;

  private final String name;
  private final Process process;
  private final Writer orders;
  private final BufferedReader answers;

  private HelperProgram(String name, Process process) {
    this.name = name;
    this.process = process;
    orders = process.outputWriter(StandardCharsets.US_ASCII);
    answers = process.inputReader(StandardCharsets.US_ASCII);
  }

  /**
   * Starts one.
   *
   * @param folder where programs can be run; nothing stays in it
   * @param name of the resource
   */
  static HelperProgram start(Path folder, String name, String... arguments) throws IOException {
    Path program = Files.createTempFile(folder, name, "").toAbsolutePath();
    try {
      try (InputStream content =
          Objects.requireNonNull(HelperProgram.class.getResourceAsStream(name), name)) {
        Files.copy(content, program, StandardCopyOption.REPLACE_EXISTING);
      }
      Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
      List<String> command = new ArrayList<>(List.of(program.toString()));
      command.addAll(List.of(arguments));
      return new HelperProgram(name, execute(command));
    } finally {
      Files.deleteIfExists(program);
    }
  }

  /**
   * Another child of this process, born while the program was written, may have it open for writing
   * still: then it cannot be executed for a moment (ETXTBSY).
   */
  private static Process execute(List<String> command) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(new File("/"))
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    for (int tries = 1; ; tries++) {
      try {
        return builder.start();
      } catch (IOException e) {
        if (tries == MOST_TRIES || !String.valueOf(e.getMessage()).contains(TEXT_BUSY)) {
          throw e;
        }
        LockSupport.parkNanos(BUSY_NANOS);
      }
    }
  }

  /**
   * Gives an order and waits for the answer.
   *
   * @throws IOException if it has ended
   */
  synchronized String ask(String order) throws IOException {
    orders.write(order + "\n");
    orders.flush();
    String answer = answers.readLine();
    if (answer == null) {
      throw new IOException("the helper process " + name + " has ended");
    }
    return answer;
  }

  int pid() {
    return (int) process.pid();
  }

  /** Waits for its end, after {@link #close}. */
  boolean awaitEnd(Duration limit) throws InterruptedException {
    return process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** It ends when it is done with what it does. */
  @Override
  public void close() {
    try {
      orders.close();
    } catch (IOException e) {
      // It has ended, which is all that was wanted.
    }
  }
}
