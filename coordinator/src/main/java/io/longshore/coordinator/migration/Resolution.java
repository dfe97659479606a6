package io.longshore.coordinator.migration;

/** What an operator decides about a migration that waits for a node which will not come back. */
public enum Resolution {
  /** The workload goes on on the source, from where it was frozen. */
  ABANDON_TARGET,
  /** The workload goes on on the target, with the pages that it has. */
  ABANDON_SOURCE
}
