package io.longshore.cli;

import io.longshore.platform.value.HostPort;
import java.io.BufferedReader;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What surrounds a run of the command.
 *
 * @param variables environment variables
 * @param in for answers to questions
 * @param out for results
 * @param err for progress and errors
 */
record Environment(
    Map<String, String> variables, BufferedReader in, PrintWriter out, PrintWriter err) {
  private static final HostPort LOCAL = new HostPort("localhost", 7700);
  private static final Duration USUAL_PATIENCE = Duration.ofSeconds(30);
  private static final int USUAL_WIDTH = 80;

  /** A variable that is set and not empty. */
  Optional<String> variable(String name) {
    return Optional.ofNullable(variables.get(name)).filter(value -> !value.isEmpty());
  }

  /** Where the coordinator is, if no option says so. */
  HostPort coordinator() {
    return variable("LONGSHORE_COORDINATOR").map(HostPort::parse).orElse(LOCAL);
  }

  /** The folder with certificates, if no option says so. */
  Optional<Path> certificates() {
    return variable("LONGSHORE_CERTIFICATES").map(Path::of);
  }

  /** Whether to go without TLS, on loopback only, if no option says so. */
  boolean plaintextOnLoopback() {
    return variable("LONGSHORE_PLAINTEXT_ON_LOOPBACK").filter("true"::equals).isPresent();
  }

  /**
   * Whether a line on standard error can be redrawn. Only the launcher knows: Java cannot ask for
   * standard error alone.
   */
  boolean canRedraw() {
    return variable("LONGSHORE_PROGRESS").filter("live"::equals).isPresent();
  }

  /** How long to wait for a coordinator that was lost. */
  Duration patience() {
    return variable("LONGSHORE_PATIENCE")
        .filter(seconds -> seconds.matches("[0-9]{1,6}"))
        .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)))
        .orElse(USUAL_PATIENCE);
  }

  /** Characters in a line of the terminal. */
  int width() {
    return variable("COLUMNS")
        .filter(columns -> columns.matches("[1-9][0-9]{1,3}"))
        .map(Integer::parseInt)
        .orElse(USUAL_WIDTH);
  }
}
