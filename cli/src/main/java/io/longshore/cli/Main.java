package io.longshore.cli;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Entry point. */
public final class Main {
  private Main() {}

  /** Runs the command and exits with an {@link ExitStatus}. */
  public static void main(String[] args) {
    // gRPC's and OpenTelemetry's own remarks are not for operators.
    Logger.getLogger("").setLevel(Level.SEVERE);
    Environment environment =
        new Environment(
            System.getenv(),
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)),
            writer(FileDescriptor.out),
            writer(FileDescriptor.err));
    int status = Longshore.run(environment, args);
    environment.out().flush();
    environment.err().flush();
    System.exit(status);
  }

  private static PrintWriter writer(FileDescriptor descriptor) {
    return new PrintWriter(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }
}
