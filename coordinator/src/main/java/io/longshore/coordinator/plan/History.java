package io.longshore.coordinator.plan;

import java.util.List;

/** Knows what earlier migrations took. Safe for use by several threads. */
public interface History {
  /** The last few that succeeded from one node to another, the newest first. */
  List<PastMigration> between(String sourceNode, String targetNode);
}
