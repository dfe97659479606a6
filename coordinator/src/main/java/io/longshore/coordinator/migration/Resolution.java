package io.longshore.coordinator.migration;

import java.util.Arrays;
import java.util.List;

/** What an operator decides about a migration that waits for a node which will not come back. */
public enum Resolution {
  /** The workload goes on on the source, from where it was frozen. */
  ABANDON_TARGET,
  /** The workload goes on on the target, with the pages that it has. */
  ABANDON_SOURCE;

  /** What may be decided about a migration as it stands. */
  public static List<Resolution> allowed(Migration migration) {
    return Arrays.stream(values())
        .filter(
            resolution ->
                StateMachine.rule(migration, new Event.Resolve(resolution).kind()) != null)
        .toList();
  }
}
