package io.longshore.platform.rpc;

import io.longshore.platform.tls.Role;
import io.longshore.platform.value.HostPort;
import java.util.Optional;

/**
 * Whom a channel is meant to reach. A server with another role, or an agent of another node, is not
 * talked to.
 *
 * @param address where; its certificate must be for this host name or address
 * @param role what it must be
 * @param node an agent's node; empty: of any
 */
public record Destination(HostPort address, Role role, Optional<String> node) {
  /** The coordinator at an address. */
  public static Destination coordinator(HostPort address) {
    return new Destination(address, Role.COORDINATOR, Optional.empty());
  }

  /** The agent of a node. */
  public static Destination agent(Role role, String node, HostPort address) {
    return new Destination(address, role, Optional.of(node));
  }

  /** The target-agent at an address, of whichever node. */
  public static Destination targetAgent(HostPort address) {
    return new Destination(address, Role.TARGET_AGENT, Optional.empty());
  }
}
