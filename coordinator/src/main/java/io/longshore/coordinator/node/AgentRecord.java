package io.longshore.coordinator.node;

import java.time.Instant;

/**
 * An agent as it was last heard: what a heartbeat carries and the store keeps.
 *
 * @param node name of its node
 * @param role which agent it is
 * @param endpoint where it serves, host:port
 * @param version its version
 * @param capabilities what the host can do
 * @param lastHeartbeat when it was heard
 */
public record AgentRecord(
    String node,
    AgentRole role,
    String endpoint,
    String version,
    NodeCapabilities capabilities,
    Instant lastHeartbeat) {

  /** Whether the store need not be written: only the time and the free memory differ. */
  boolean sameAs(AgentRecord other) {
    return node.equals(other.node)
        && role == other.role
        && endpoint.equals(other.endpoint)
        && version.equals(other.version)
        && capabilities.sameHost(other.capabilities);
  }
}
