package io.longshore.criu.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A program that takes the part of runc, see peer.c. */
final class RuncsPart {
  private final Process process;
  private final Writer orders;
  private final BufferedReader answers;

  private RuncsPart(Process process) {
    this.process = process;
    orders = process.outputWriter(StandardCharsets.US_ASCII);
    answers = process.inputReader(StandardCharsets.US_ASCII);
  }

  /** Starts the stand-in, and sends it the request. */
  static RuncsPart start(Path folder, Path standIn, Map<String, String> environment, byte[] request)
      throws Exception {
    Path source = folder.resolve("peer.c");
    Path program = folder.resolve("peer");
    if (!Files.exists(program)) {
      try (var text = RuncsPart.class.getResourceAsStream("peer.c")) {
        Files.write(source, text.readAllBytes());
      }
      assertThat(
              new ProcessBuilder("gcc", "-O1", "-Wall", "-o", program.toString(), source.toString())
                  .inheritIO()
                  .start()
                  .waitFor())
          .isZero();
    }
    ProcessBuilder builder =
        new ProcessBuilder(
            program.toString(),
            standIn.toString(),
            Files.write(folder.resolve("bytes"), request).toString());
    builder.environment().putAll(environment);
    return new RuncsPart(builder.redirectError(ProcessBuilder.Redirect.DISCARD).start());
  }

  /** Of an order the answer, see peer.c. */
  String ask(String order) throws Exception {
    orders.write(order + "\n");
    orders.flush();
    return String.valueOf(answers.readLine());
  }

  void kill() throws Exception {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().waitFor();
  }
}
