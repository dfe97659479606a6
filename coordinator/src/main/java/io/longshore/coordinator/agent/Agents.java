package io.longshore.coordinator.agent;

/** Finds agents by their nodes' names. Safe for use by several threads. */
public interface Agents {
  /**
   * The source-agent of a node, at the endpoint of its last heartbeat.
   *
   * @throws AgentException of kind {@code UNREACHABLE} if none was ever heard
   */
  SourceAgent source(String node) throws AgentException;

  /** The target-agent of a node, likewise. */
  TargetAgent target(String node) throws AgentException;

  /** The canaries of a node, which its source-agent starts and ends. */
  CanaryAgent canaries(String node) throws AgentException;
}
