package io.longshore.coordinator.node;

/** Which agent of a node. */
public enum AgentRole {
  /** Gives workloads away. */
  SOURCE("source-agent"),
  /** Takes workloads. */
  TARGET("target-agent");

  private final String service;

  AgentRole(String service) {
    this.service = service;
  }

  /** The name of the agent's service, for messages. */
  public String service() {
    return service;
  }
}
