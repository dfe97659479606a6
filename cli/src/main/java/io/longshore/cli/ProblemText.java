package io.longshore.cli;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.longshore.v1.MigrationError;
import io.longshore.v1.Obstacle;
import java.util.List;

/** What is wrong, for people: reason, message, remedy, and CRIU's own words. */
final class ProblemText {
  private ProblemText() {}

  static String of(LongshoreException e) {
    StringBuilder text = new StringBuilder();
    for (Problem problem : e.problems()) {
      text.append("longshore: ")
          .append(entry(word(problem), problem.message(), problem.reason().remedy()));
    }
    return text.append(criuLog(e.criuLog())).toString();
  }

  static String of(MigrationError error) {
    return entry(error.getReason(), error.getMessage(), remedy(error.getReason()))
        + criuLog(error.getCriuLogList());
  }

  static String of(Obstacle obstacle) {
    return entry(obstacle.getReason(), obstacle.getMessage(), obstacle.getRemedy());
  }

  private static String entry(String reason, String message, String remedy) {
    return reason + ": " + message + "\n" + (remedy.isEmpty() ? "" : "    " + remedy + "\n");
  }

  private static String criuLog(List<String> lines) {
    return lines.isEmpty() ? "" : "  CRIU says:\n    " + String.join("\n    ", lines) + "\n";
  }

  /**
   * The word on the wire: of a coordinator that is newer than this command it may be unknown here.
   */
  private static String word(Problem problem) {
    return problem.metadata().getOrDefault("reason", problem.reason().name());
  }

  private static String remedy(String reason) {
    try {
      return Reason.valueOf(reason).remedy();
    } catch (IllegalArgumentException e) {
      return "";
    }
  }
}
