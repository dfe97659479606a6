package io.longshore.linux;

import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;

/** A process that is no child of this JVM. */
final class Stranger {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private Stranger() {}

  /**
   * Starts one.
   *
   * @param program the C program {@code waits} of the resources, or a command
   * @return its pid
   */
  static int start(Path folder, String program, String... arguments) throws Exception {
    String command = program;
    String[] given = arguments;
    if (program.equals("waits")) {
      command = compileWaits(folder);
      given =
          Stream.concat(Stream.of(arguments[0], folder.toString()), Stream.of(arguments).skip(1))
              .toArray(String[]::new);
    }
    Path pidFile = folder.resolve("pid");
    Process shell =
        new ProcessBuilder(
                Stream.concat(
                        Stream.of(
                            "setsid",
                            "--fork",
                            "sh",
                            "-c",
                            "echo $$ > "
                                + pidFile
                                + ".new; mv "
                                + pidFile
                                + ".new "
                                + pidFile
                                + "; exec \"$@\"",
                            "sh",
                            command),
                        Stream.of(given))
                    .toList())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(new File("/dev/null"))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    if (shell.waitFor() != 0) {
      throw new IOException(command + " did not start");
    }
    String name = Path.of(command).getFileName().toString();
    await()
        .atMost(PATIENCE)
        .until(
            () ->
                Files.exists(pidFile)
                    && (name.equals("sh") || TaskReader.read(pid(pidFile)).command().equals(name)));
    return pid(pidFile);
  }

  private static int pid(Path file) throws IOException {
    return Integer.parseInt(Files.readString(file).strip());
  }

  private static String compileWaits(Path folder) throws Exception {
    Path source = folder.resolve("waits.c");
    try (var text = Objects.requireNonNull(Stranger.class.getResourceAsStream("waits.c"))) {
      Files.write(source, text.readAllBytes());
    }
    String program = folder.resolve("waits").toString();
    String _ = Child.run("gcc", "-O2", "-pthread", "-o", program, source.toString());
    return program;
  }
}
