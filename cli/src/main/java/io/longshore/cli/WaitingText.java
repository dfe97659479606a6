package io.longshore.cli;

import io.longshore.platform.error.Reason;
import io.longshore.v1.Migration;
import io.longshore.v1.Resolution;
import io.longshore.v1.Waiting;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** What a migration waits for, for people. */
final class WaitingText {
  private static final Set<String> FOR_GOOD =
      Set.of(Reason.RAN_IN_PART.name(), Reason.FILLING_FAILED.name(), Reason.WRONG_PHASE.name());

  private static final Duration LONG = Duration.ofSeconds(30);

  private WaitingText() {}

  /** "resuming on the target failed with RAN_IN_PART". */
  static String brief(Waiting waiting) {
    return waiting.getWhat() + " failed with " + waiting.getReason();
  }

  /** The same, since when, and the message: in one line. */
  static String of(Waiting waiting) {
    return "%s since %s: %s"
        .formatted(
            brief(waiting),
            Instant.ofEpochSecond(waiting.getSince().getSeconds()),
            waiting.getMessage().replace('\n', ' '));
  }

  /** What an operator can do about it; empty: nothing but to wait, for now. */
  static String decision(Migration migration) {
    List<String> commands =
        migration.getWaitingList().stream()
            .filter(WaitingText::doesNotPass)
            .flatMap(waiting -> waiting.getResolutionsList().stream())
            .distinct()
            .flatMap(WaitingText::option)
            .map(option -> "'longshore resolve " + migration.getId() + option + "'")
            .toList();
    return commands.isEmpty()
        ? ""
        : String.join(" or ", commands) + " says what that would lose, and asks";
  }

  /**
   * What is asked again may be answered at once: a decision is for what does not pass by itself.
   */
  private static boolean doesNotPass(Waiting waiting) {
    return FOR_GOOD.contains(waiting.getReason())
        || Duration.between(Instant.ofEpochSecond(waiting.getSince().getSeconds()), Instant.now())
                .compareTo(LONG)
            > 0;
  }

  private static Stream<String> option(Resolution resolution) {
    return switch (resolution) {
      case RESOLUTION_ABANDON_TARGET -> Stream.of(" --abandon-target");
      case RESOLUTION_ABANDON_SOURCE -> Stream.of(" --abandon-source");
      case RESOLUTION_UNSPECIFIED, UNRECOGNIZED -> Stream.of();
    };
  }
}
