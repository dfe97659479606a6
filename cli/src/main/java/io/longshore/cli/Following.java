package io.longshore.cli;

import io.longshore.v1.Migration;
import java.util.function.Consumer;

/** Shows a migration until it is done, then what came of it. */
final class Following {
  private Following() {}

  /**
   * Progress goes to standard error, the result to standard output.
   *
   * @throws UnreachableException naming the migration, if contact was lost for good
   */
  static ExitStatus untilDone(
      Coordinator coordinator, Environment environment, String id, boolean json) {
    ProgressDisplay display = ProgressDisplay.of(environment, json);
    Migration last;
    try {
      last = follow(coordinator, id, display::show);
    } finally {
      display.end();
    }
    environment.out().print(json ? Json.of(last) + "\n" : MigrationText.of(last));
    environment.out().flush();
    return statusOf(last);
  }

  /** Every snapshot goes to standard output as one line of JSON. */
  static ExitStatus printing(Coordinator coordinator, Environment environment, String id) {
    return statusOf(
        follow(coordinator, id, snapshot -> environment.out().println(Json.line(snapshot))));
  }

  private static Migration follow(
      Coordinator coordinator, String id, Consumer<Migration> snapshots) {
    try {
      return coordinator.follow(id, snapshots);
    } catch (UnreachableException e) {
      throw new UnreachableException(
          "lost contact with the coordinator at %s; it is not known how the migration ends. When it is back: longshore watch %s"
              .formatted(coordinator.address(), id),
          e);
    }
  }

  private static ExitStatus statusOf(Migration last) {
    return last.getState() == Migration.State.STATE_SUCCEEDED ? ExitStatus.DONE : ExitStatus.FAILED;
  }
}
