package io.longshore.criu.run;

import java.util.List;

/** What holds for the options of every CRIU action. */
final class CriuOptions {

  /**
   * Errors, warnings, and what is being done, with times. One level more writes lines for every few
   * pages, inside the freeze.
   */
  static final int VERBOSITY = 3;

  private static final int MAX_VERBOSITY = 4;

  private CriuOptions() {}

  static int checkedVerbosity(int level) {
    if (level < 0 || level > MAX_VERBOSITY) {
      throw new IllegalArgumentException("CRIU's verbosity is 0 to 4, not " + level);
    }
    return level;
  }

  /** Refuses options that would change the protocol or where things are. */
  static List<String> checked(List<String> extra) {
    for (String option : extra) {
      if (option.startsWith("--compress")
          || option.equals("--stream")
          || option.indexOf('\0') >= 0) {
        throw new IllegalArgumentException("CRIU must not be started with the option " + option);
      }
    }
    return List.copyOf(extra);
  }
}
