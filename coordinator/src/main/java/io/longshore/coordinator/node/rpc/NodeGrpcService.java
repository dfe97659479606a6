package io.longshore.coordinator.node.rpc;

import io.grpc.stub.StreamObserver;
import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.ListedWorkload;
import io.longshore.coordinator.node.Agent;
import io.longshore.coordinator.node.AgentRole;
import io.longshore.coordinator.node.Node;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.rpc.Fields;
import io.longshore.coordinator.selftest.SelfTests;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.v1.GetNodeRequest;
import io.longshore.v1.GetNodeResponse;
import io.longshore.v1.ListNodesRequest;
import io.longshore.v1.ListNodesResponse;
import io.longshore.v1.ListWorkloadsRequest;
import io.longshore.v1.ListWorkloadsResponse;
import io.longshore.v1.NodeServiceGrpc;
import io.longshore.v1.TestNodeRequest;
import io.longshore.v1.TestNodeResponse;
import java.util.Comparator;
import java.util.List;

/** Shows and tests the nodes. Its callbacks may block: they run on virtual threads. */
public final class NodeGrpcService extends NodeServiceGrpc.NodeServiceImplBase {
  private final NodeRegistry nodes;
  private final SelfTests selfTests;
  private final Agents agents;

  public NodeGrpcService(NodeRegistry nodes, SelfTests selfTests, Agents agents) {
    this.nodes = nodes;
    this.selfTests = selfTests;
    this.agents = agents;
  }

  @Override
  public void listNodes(ListNodesRequest request, StreamObserver<ListNodesResponse> answer) {
    ListNodesResponse.Builder response = ListNodesResponse.newBuilder();
    for (Node node : nodes.list()) {
      response.addNodes(NodeMessages.node(node));
    }
    answer.onNext(response.build());
    answer.onCompleted();
  }

  @Override
  public void getNode(GetNodeRequest request, StreamObserver<GetNodeResponse> answer) {
    Node node = node(Fields.nodeName("name", request.getName()));
    answer.onNext(GetNodeResponse.newBuilder().setNode(NodeMessages.node(node)).build());
    answer.onCompleted();
  }

  @Override
  public void listWorkloads(
      ListWorkloadsRequest request, StreamObserver<ListWorkloadsResponse> answer) {
    Node node = node(Fields.nodeName("node", request.getNode()));
    if (node.agent(AgentRole.SOURCE).filter(Agent::available).isEmpty()) {
      throw new LongshoreException(
          Reason.NODE_UNAVAILABLE,
          "the source-agent of node '%s', which knows its workloads, is silent"
              .formatted(node.name()));
    }
    ListWorkloadsResponse.Builder response =
        ListWorkloadsResponse.newBuilder().setNode(node.name());
    for (ListedWorkload listed : list(node.name())) {
      response.addWorkloads(NodeMessages.workload(listed));
    }
    answer.onNext(response.build());
    answer.onCompleted();
  }

  private List<ListedWorkload> list(String name) {
    try {
      return agents.source(name).list().stream()
          .sorted(Comparator.comparing(listed -> listed.workload().name()))
          .toList();
    } catch (AgentException e) {
      throw new LongshoreException(
          reason(e),
          "asking node '%s' for its workloads failed: %s".formatted(name, e.message()),
          e);
    } catch (InterruptedException e) {
      throw stopping(e);
    }
  }

  private static Reason reason(AgentException failure) {
    for (Reason reason : Reason.values()) {
      if (reason.name().equals(failure.reason())) {
        return reason;
      }
    }
    return Reason.AGENT_UNREACHABLE;
  }

  private Node node(String name) {
    return nodes
        .find(name)
        .orElseThrow(
            () ->
                new LongshoreException(
                    Reason.NOT_FOUND, "no agent has ever registered as node '" + name + "'"));
  }

  private static LongshoreException stopping(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new LongshoreException(
        Reason.AGENT_UNREACHABLE,
        "the coordinator is stopping: repeat the call when it is back",
        e);
  }

  @Override
  public void testNode(TestNodeRequest request, StreamObserver<TestNodeResponse> answer) {
    Node node;
    try {
      node = selfTests.test(Fields.nodeName("name", request.getName()));
    } catch (InterruptedException e) {
      throw stopping(e);
    }
    answer.onNext(TestNodeResponse.newBuilder().setNode(NodeMessages.node(node)).build());
    answer.onCompleted();
  }
}
