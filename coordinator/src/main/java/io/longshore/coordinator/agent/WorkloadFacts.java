package io.longshore.coordinator.agent;

/**
 * Everything a target must know to say whether it could take a workload. The coordinator passes it
 * on from the source to the target and looks only at the summary; the rest is the agents' own, so
 * only {@code agent.rpc} implements it.
 */
public interface WorkloadFacts {
  /** What people want to know of it. */
  WorkloadSummary summary();
}
