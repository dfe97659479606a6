package io.longshore.coordinator.node;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A host with a source-agent, a target-agent or both.
 *
 * @param name unique name
 * @param sourceAgent its source-agent, null if it never had one
 * @param targetAgent its target-agent, null if it never had one
 * @param capabilities what the host can do, as last heard from either agent
 */
public record Node(
    String name,
    @Nullable Agent sourceAgent,
    @Nullable Agent targetAgent,
    NodeCapabilities capabilities) {

  /** Whether migrations can use the node. */
  public enum State {
    /** Both agents are heard. */
    READY,
    /** Only one of its agents is heard. */
    PARTIAL,
    /** No agent was heard within the heartbeat timeout. */
    UNAVAILABLE
  }

  /** Whether migrations can use the node. */
  public State state() {
    boolean source = sourceAgent != null && sourceAgent.available();
    boolean target = targetAgent != null && targetAgent.available();
    if (source && target) {
      return State.READY;
    }
    return source || target ? State.PARTIAL : State.UNAVAILABLE;
  }

  /** The agent of that role, if the node ever had one. */
  public Optional<Agent> agent(AgentRole role) {
    return Optional.ofNullable(
        switch (role) {
          case SOURCE -> sourceAgent;
          case TARGET -> targetAgent;
        });
  }
}
