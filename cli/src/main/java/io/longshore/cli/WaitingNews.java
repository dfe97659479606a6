package io.longshore.cli;

import io.longshore.v1.Migration;
import io.longshore.v1.Waiting;
import java.util.ArrayList;
import java.util.List;

/** Says once what a migration that is followed has begun to wait for. */
final class WaitingNews {
  private List<Waiting> known = List.of();

  /** The lines to show of this snapshot. */
  List<String> of(Migration migration) {
    List<String> lines = new ArrayList<>();
    for (Waiting waiting : migration.getWaitingList()) {
      if (!known.contains(waiting)) {
        lines.add("waits: " + WaitingText.of(waiting));
      }
    }
    String decision = WaitingText.decision(migration);
    if (!lines.isEmpty() && !decision.isEmpty()) {
      lines.add("decide: " + decision);
    }
    known = migration.getWaitingList();
    return lines;
  }
}
