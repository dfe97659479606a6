package io.longshore.agent.host;

import io.longshore.platform.value.HostPort;

/**
 * Who an agent is.
 *
 * @param node name of its host
 * @param role which of the host's agents
 * @param endpoint where the coordinator reaches it
 * @param version of the program
 */
public record AgentIdentity(String node, Role role, HostPort endpoint, String version) {
  /** Which of a host's agents. */
  public enum Role {
    /** Gives workloads away. */
    SOURCE,
    /** Takes workloads. */
    TARGET
  }

  /** Refuses an endpoint that nobody else could reach. */
  public AgentIdentity {
    if (node.isEmpty()) {
      throw new IllegalArgumentException("the name of the node is empty");
    }
    if (endpoint.host().equals("0.0.0.0") || endpoint.host().equals("::")) {
      throw new IllegalArgumentException(
          "listen must be an address at which the coordinator and other agents reach this host, not "
              + endpoint);
    }
  }
}
