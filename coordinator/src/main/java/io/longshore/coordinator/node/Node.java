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
 * @param selfTest what came of its self-test since its agents started
 * @param instances differs after each start of either agent
 */
public record Node(
    String name,
    @Nullable Agent sourceAgent,
    @Nullable Agent targetAgent,
    NodeCapabilities capabilities,
    SelfTest selfTest,
    String instances) {

  /** Whether migrations can use the node. */
  public enum State {
    /** Both agents are heard, and the node has passed its self-test if there is to be one. */
    READY,
    /** Only one of its agents is heard. */
    PARTIAL,
    /** No agent was heard within the heartbeat timeout. */
    UNAVAILABLE,
    /** Both agents are heard, and the self-test is yet to say whether they work. */
    TESTING,
    /** Both agents are heard, but the node failed its self-test. */
    UNFIT
  }

  /** Whether migrations can use the node. */
  public State state() {
    boolean source = sourceAgent != null && sourceAgent.available();
    boolean target = targetAgent != null && targetAgent.available();
    if (source && target) {
      return switch (selfTest) {
        case SelfTest.None _, SelfTest.Passed _ -> State.READY;
        case SelfTest.Due _, SelfTest.Running _ -> State.TESTING;
        case SelfTest.Failed _ -> State.UNFIT;
      };
    }
    return source || target ? State.PARTIAL : State.UNAVAILABLE;
  }

  /** Whether both agents are heard. */
  public boolean bothAvailable() {
    return switch (state()) {
      case READY, TESTING, UNFIT -> true;
      case PARTIAL, UNAVAILABLE -> false;
    };
  }

  /** Whether a self-test is to be begun now. */
  public boolean awaitsSelfTest() {
    return bothAvailable() && selfTest instanceof SelfTest.Due;
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
