package io.longshore.cli;

import io.longshore.platform.value.HostPort;
import java.io.PrintWriter;
import java.util.Map;
import java.util.Optional;

/**
 * What surrounds a run of the command.
 *
 * @param variables environment variables
 * @param out for results
 * @param err for progress and errors
 */
record Environment(Map<String, String> variables, PrintWriter out, PrintWriter err) {
  private static final HostPort LOCAL = new HostPort("localhost", 7700);
  private static final int USUAL_WIDTH = 80;

  /** A variable that is set and not empty. */
  Optional<String> variable(String name) {
    return Optional.ofNullable(variables.get(name)).filter(value -> !value.isEmpty());
  }

  /** Where the coordinator is, if no option says so. */
  HostPort coordinator() {
    return variable("LONGSHORE_COORDINATOR").map(HostPort::parse).orElse(LOCAL);
  }

  /**
   * Whether a line on standard error can be redrawn. Only the launcher knows: Java cannot ask for
   * standard error alone.
   */
  boolean canRedraw() {
    return variable("LONGSHORE_PROGRESS").filter("live"::equals).isPresent();
  }

  /** Characters in a line of the terminal. */
  int width() {
    return variable("COLUMNS")
        .filter(columns -> columns.matches("[1-9][0-9]{1,3}"))
        .map(Integer::parseInt)
        .orElse(USUAL_WIDTH);
  }
}
