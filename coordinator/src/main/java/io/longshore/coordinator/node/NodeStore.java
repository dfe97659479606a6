package io.longshore.coordinator.node;

import java.util.List;

/** Keeps the agents across restarts. Safe for use by several threads. */
public interface NodeStore {
  /** All agents, in no particular order. */
  List<AgentRecord> load();

  /** Stores an agent durably, in place of what was stored of it. */
  void save(AgentRecord agent);
}
