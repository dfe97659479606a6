package io.longshore.coordinator.node.rpc;

import io.grpc.stub.StreamObserver;
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
import io.longshore.v1.NodeServiceGrpc;
import io.longshore.v1.TestNodeRequest;
import io.longshore.v1.TestNodeResponse;

/** Shows and tests the nodes. Its callbacks may block: they run on virtual threads. */
public final class NodeGrpcService extends NodeServiceGrpc.NodeServiceImplBase {
  private final NodeRegistry nodes;
  private final SelfTests selfTests;

  public NodeGrpcService(NodeRegistry nodes, SelfTests selfTests) {
    this.nodes = nodes;
    this.selfTests = selfTests;
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
    String name = Fields.nodeName("name", request.getName());
    Node node =
        nodes
            .find(name)
            .orElseThrow(
                () ->
                    new LongshoreException(
                        Reason.NOT_FOUND, "no agent has ever registered as node '" + name + "'"));
    answer.onNext(GetNodeResponse.newBuilder().setNode(NodeMessages.node(node)).build());
    answer.onCompleted();
  }

  @Override
  public void testNode(TestNodeRequest request, StreamObserver<TestNodeResponse> answer) {
    Node node;
    try {
      node = selfTests.test(Fields.nodeName("name", request.getName()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(
          Reason.AGENT_UNREACHABLE,
          "the coordinator is stopping: repeat the call when it is back",
          e);
    }
    answer.onNext(TestNodeResponse.newBuilder().setNode(NodeMessages.node(node)).build());
    answer.onCompleted();
  }
}
