package io.longshore.coordinator.agent.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.ManagedChannel;
import io.longshore.agent.v1.CanaryServiceGrpc;
import io.longshore.agent.v1.SourceAgentServiceGrpc;
import io.longshore.agent.v1.TargetAgentServiceGrpc;
import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.CanaryAgent;
import io.longshore.coordinator.agent.SourceAgent;
import io.longshore.coordinator.agent.TargetAgent;
import io.longshore.coordinator.node.Agent;
import io.longshore.coordinator.node.AgentRole;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.tls.Role;
import io.longshore.platform.value.HostPort;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The agents over gRPC: one channel for each, kept open so that the freeze finds it warm. */
public final class GrpcAgents implements Agents {
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final NodeRegistry nodes;
  private final GrpcChannels channels;
  private final Duration timeout;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Map<Key, Connection> open = new HashMap<>();

  private record Key(String node, AgentRole role) {}

  private record Connection(String endpoint, ManagedChannel channel) {}

  /**
   * @param timeout for calls that do not wait for memory or for CRIU
   */
  public GrpcAgents(NodeRegistry nodes, GrpcChannels channels, Duration timeout) {
    this.nodes = nodes;
    this.channels = channels;
    this.timeout = timeout;
  }

  @Override
  public SourceAgent source(String node) throws AgentException {
    Connection to = connection(new Key(node, AgentRole.SOURCE));
    return new GrpcSourceAgent(
        SourceAgentServiceGrpc.newBlockingStub(to.channel()),
        new AgentCalls(peer(AgentRole.SOURCE, node, to)),
        timeout);
  }

  @Override
  public TargetAgent target(String node) throws AgentException {
    Connection to = connection(new Key(node, AgentRole.TARGET));
    return new GrpcTargetAgent(
        TargetAgentServiceGrpc.newBlockingStub(to.channel()),
        new AgentCalls(peer(AgentRole.TARGET, node, to)),
        timeout);
  }

  @Override
  public CanaryAgent canaries(String node) throws AgentException {
    Connection to = connection(new Key(node, AgentRole.SOURCE));
    return new GrpcCanaryAgent(
        CanaryServiceGrpc.newBlockingStub(to.channel()),
        new AgentCalls(peer(AgentRole.SOURCE, node, to)),
        timeout);
  }

  private static String peer(AgentRole role, String node, Connection to) {
    return role.service() + " of node '" + node + "' at " + to.endpoint();
  }

  private Connection connection(Key key) throws AgentException {
    String endpoint =
        nodes
            .find(key.node())
            .flatMap(node -> node.agent(key.role()))
            .map(Agent::endpoint)
            .orElseThrow(() -> unknown(key));
    synchronized (lock) {
      Connection before = open.get(key);
      if (before != null && before.endpoint().equals(endpoint)) {
        return before;
      }
      if (before != null) {
        // The agent moved. Calls that are under way over the old channel go on.
        before.channel().shutdown();
      }
      Connection now =
          new Connection(
              endpoint,
              channels.open(
                  Destination.agent(
                      switch (key.role()) {
                        case SOURCE -> Role.SOURCE_AGENT;
                        case TARGET -> Role.TARGET_AGENT;
                      },
                      key.node(),
                      HostPort.parse(endpoint)),
                  key.role().service() + "-" + key.node()));
      open.put(key, now);
      return now;
    }
  }

  private static AgentException unknown(Key key) {
    String message =
        "no "
            + key.role().service()
            + " of node '"
            + key.node()
            + "' has registered: start it, or check the name";
    return new AgentException(
        AgentException.Kind.UNREACHABLE,
        Reason.AGENT_UNREACHABLE.name(),
        message,
        List.of(),
        new IllegalStateException(message));
  }

  /** Closes the channels; no calls may be made any more. */
  public void close() throws InterruptedException {
    List<Connection> all;
    synchronized (lock) {
      all = new ArrayList<>(open.values());
      open.clear();
    }
    for (Connection connection : all) {
      GrpcChannels.close(connection.channel(), PATIENCE);
    }
  }
}
