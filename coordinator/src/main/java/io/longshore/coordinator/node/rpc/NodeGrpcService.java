package io.longshore.coordinator.node.rpc;

import io.grpc.stub.StreamObserver;
import io.longshore.coordinator.node.Node;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.rpc.Fields;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.v1.GetNodeRequest;
import io.longshore.v1.GetNodeResponse;
import io.longshore.v1.ListNodesRequest;
import io.longshore.v1.ListNodesResponse;
import io.longshore.v1.NodeServiceGrpc;

/** Shows the nodes. */
public final class NodeGrpcService extends NodeServiceGrpc.NodeServiceImplBase {
  private final NodeRegistry nodes;

  public NodeGrpcService(NodeRegistry nodes) {
    this.nodes = nodes;
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
}
