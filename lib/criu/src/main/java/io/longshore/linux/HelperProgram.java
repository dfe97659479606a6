package io.longshore.linux;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A small program that this library brings along, as a process that goes on to a good end when this
 * one is killed: it takes orders of a line, answers each with a line, and ends with its input.
 * Thread-safe.
 */
final class HelperProgram implements AutoCloseable {
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
      BundledProgram.install(HelperProgram.class, name, program);
      List<String> command = new ArrayList<>(List.of(program.toString()));
      command.addAll(List.of(arguments));
      return new HelperProgram(
          name,
          BundledProgram.start(
              new ProcessBuilder(command)
                  .directory(new File("/"))
                  .redirectError(ProcessBuilder.Redirect.DISCARD)));
    } finally {
      Files.deleteIfExists(program);
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

  /** Waits for its end, after {@link #close}; an interrupt does not keep it from that. */
  boolean awaitEnd(Duration limit) {
    return !process
        .onExit()
        .completeOnTimeout(process, limit.toNanos(), TimeUnit.NANOSECONDS)
        .join()
        .isAlive();
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
