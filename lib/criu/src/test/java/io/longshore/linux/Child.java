package io.longshore.linux;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process of a test, ended with all its descendants when the test is over. */
final class Child implements AutoCloseable {
  private final Process process;
  private final BufferedReader output;
  private final Writer input;

  private Child(Process process) {
    this.process = process;
    this.output = process.inputReader(StandardCharsets.UTF_8);
    this.input = process.outputWriter(StandardCharsets.UTF_8);
  }

  static Child start(String... command) throws IOException {
    return new Child(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  static Child sleeping() throws IOException {
    return start("sleep", "60");
  }

  static Child bash(String script) throws IOException {
    return start("bash", "-c", script);
  }

  /** Runs a class of the tests in a JVM of its own. */
  static Child java(Class<?> main, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(javaCommand(main));
    command.addAll(List.of(arguments));
    return start(command.toArray(String[]::new));
  }

  static List<String> javaCommand(Class<?> main) {
    return List.of(
        System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
        "--enable-native-access=ALL-UNNAMED",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-cp",
        System.getProperty("java.class.path"),
        main.getName());
  }

  int pid() {
    return (int) process.pid();
  }

  Process process() {
    return process;
  }

  String line() throws IOException {
    String line = output.readLine();
    if (line == null) {
      throw new IOException("process " + process.pid() + " ended without an answer");
    }
    return line;
  }

  void send(String line) throws IOException {
    input.write(line + "\n");
    input.flush();
  }

  /** Everything it still prints. */
  String rest() throws IOException {
    try (BufferedReader reader = output) {
      return String.join("\n", reader.lines().toList());
    }
  }

  /** Errors of a finished command as text; for programs that are run to their end. */
  static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output;
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      output = String.join("\n", reader.lines().toList());
    }
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + " failed: " + output);
    }
    return output;
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        throw new IllegalStateException("process " + process.pid() + " does not end");
      }
      output.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
