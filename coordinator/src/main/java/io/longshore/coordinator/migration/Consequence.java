package io.longshore.coordinator.migration;

/** What an operator's decision means, for people who have to take it. */
final class Consequence {
  private Consequence() {}

  /**
   * What would be lost, and what must be seen to.
   *
   * @param migration in a phase in which the decision is allowed
   */
  static String of(Migration migration, Resolution resolution) {
    String source = "'" + migration.spec().sourceNode() + "'";
    String target = "'" + migration.spec().targetNode() + "'";
    return switch (resolution) {
      case ABANDON_TARGET ->
          "The workload runs on on the source %s. %s The target %s must never let it run: it is told so as soon as it is heard again, and until then it must stay off or out of the network."
              .formatted(source, lostOnTarget(migration), target);
      case ABANDON_SOURCE ->
          "The workload goes on on the target %s. %s The source %s must never let it run: its frozen copy is removed as soon as it is heard again."
              .formatted(target, lostOnSource(migration), source);
    };
  }

  private static String lostOnTarget(Migration migration) {
    return switch (migration.phase()) {
      case RESUMING ->
          "The target was told to let it run and has not answered: if it did, everything it did there is lost, and if it still runs there, there are two of it - make sure that the target is off.";
      case PUSHING, COMPLETING ->
          "It ran on the target: everything it did there since it was frozen%s is lost, and if it still runs there, there are two of it - make sure that the target is off."
              .formatted(since(migration));
      case PENDING,
          PREPARING,
          COPYING,
          FREEZING,
          TRANSFERRING,
          RESTORING,
          RELEASING,
          SUCCEEDED,
          ABORTING,
          ROLLING_BACK,
          FAILED,
          CANCELLED,
          LOST ->
          "Nothing is lost: the target was never told to let it run.";
    };
  }

  private static String lostOnSource(Migration migration) {
    return switch (migration.phase()) {
      case PUSHING -> {
        long missing =
            migration.measurements().push().totalPages()
                - migration.measurements().push().storedPages();
        yield "%d of its %d pages were not known to be on the target when the source was last heard: if one is missing there, the workload is lost."
            .formatted(missing, migration.measurements().push().totalPages());
      }
      case COMPLETING ->
          "The target has stored every page; if the workload needs one of them twice, because it forked while it was filled, it is lost.";
      case PENDING,
          PREPARING,
          COPYING,
          FREEZING,
          TRANSFERRING,
          RESTORING,
          RESUMING,
          RELEASING,
          SUCCEEDED,
          ABORTING,
          ROLLING_BACK,
          FAILED,
          CANCELLED,
          LOST ->
          "Nothing is lost: every page is installed.";
    };
  }

  private static String since(Migration migration) {
    return migration.measurements().frozenAt() == null
        ? ""
        : " at " + migration.measurements().frozenAt();
  }
}
