package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.util.concurrent.TimeUnit;

/** A load client at work. */
final class LoadRun implements AutoCloseable {
  private final Process process;
  private final BufferedReader output;
  private final Writer input;

  private LoadRun(Process process) {
    this.process = process;
    output = process.inputReader();
    input = process.outputWriter();
  }

  static LoadRun begin(Process process) throws IOException {
    LoadRun run = new LoadRun(process);
    String line = run.output.readLine();
    if (!"ready".equals(line)) {
      throw new AssertionError(
          "the load client did not get ready: " + line + process.errorReader().readLine());
    }
    return run;
  }

  /** The migration begins. */
  void during() throws IOException {
    write("during\n");
  }

  /** The migration is over. */
  void after() throws IOException {
    write("after\n");
  }

  private void write(String line) throws IOException {
    input.write(line);
    input.flush();
  }

  /** Stops it and returns its report. */
  JsonObject end() throws IOException {
    input.close();
    String line = output.readLine();
    if (line == null) {
      throw new AssertionError("the load client died: " + process.errorReader().readLine());
    }
    return JsonParser.parseString(line).getAsJsonObject();
  }

  /** What it printed is lost; it ends soon when its input does. */
  @Override
  public void close() {
    try {
      input.close();
    } catch (IOException e) {
      // It has ended already.
    }
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
