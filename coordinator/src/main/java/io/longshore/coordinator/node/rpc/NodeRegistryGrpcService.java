package io.longshore.coordinator.node.rpc;

import io.grpc.stub.StreamObserver;
import io.longshore.agent.v1.HeartbeatRequest;
import io.longshore.agent.v1.HeartbeatResponse;
import io.longshore.agent.v1.NodeRegistryServiceGrpc;
import io.longshore.coordinator.node.AgentRole;
import io.longshore.coordinator.node.NodeCapabilities;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.rpc.Fields;
import io.longshore.platform.rpc.Caller;
import io.longshore.platform.tls.Role;
import java.time.Duration;

/** Takes the agents' heartbeats. */
public final class NodeRegistryGrpcService
    extends NodeRegistryServiceGrpc.NodeRegistryServiceImplBase {
  private final NodeRegistry nodes;
  private final HeartbeatResponse accepted;

  /**
   * @param interval what agents are told: when to call again
   */
  public NodeRegistryGrpcService(NodeRegistry nodes, Duration interval) {
    this.nodes = nodes;
    this.accepted =
        HeartbeatResponse.newBuilder()
            .setInterval(
                com.google.protobuf.Duration.newBuilder()
                    .setSeconds(interval.getSeconds())
                    .setNanos(interval.getNano()))
            .build();
  }

  @Override
  public void heartbeat(HeartbeatRequest request, StreamObserver<HeartbeatResponse> answer) {
    if (!request.hasCapabilities()) {
      throw Fields.invalid("capabilities", "is absent: it is required");
    }
    String node = Fields.nodeName("node", request.getNode());
    AgentRole role = role(request);
    Caller.mustBe(
        switch (role) {
          case SOURCE -> Role.SOURCE_AGENT;
          case TARGET -> Role.TARGET_AGENT;
        },
        node);
    nodes.heartbeat(
        node,
        role,
        Fields.endpoint("endpoint", request.getEndpoint()),
        Fields.text("version", request.getVersion(), 128),
        capabilities(request),
        request.getInstance().isEmpty() ? "" : Fields.text("instance", request.getInstance(), 64));
    answer.onNext(accepted);
    answer.onCompleted();
  }

  private static AgentRole role(HeartbeatRequest request) {
    return switch (request.getRole()) {
      case AGENT_ROLE_SOURCE -> AgentRole.SOURCE;
      case AGENT_ROLE_TARGET -> AgentRole.TARGET;
      case AGENT_ROLE_UNSPECIFIED, UNRECOGNIZED ->
          throw Fields.invalid(
              "role", "is " + request.getRoleValue() + ": it must be source or target");
    };
  }

  private static NodeCapabilities capabilities(HeartbeatRequest request) {
    io.longshore.v1.NodeCapabilities message = request.getCapabilities();
    if (message.getAvailableMemoryBytes() < 0 || message.getTotalMemoryBytes() < 0) {
      throw Fields.invalid(
          "capabilities",
          "has negative memory: available_memory_bytes is "
              + message.getAvailableMemoryBytes()
              + ", total_memory_bytes is "
              + message.getTotalMemoryBytes());
    }
    return NodeMessages.capabilities(message);
  }
}
