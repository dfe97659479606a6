package io.longshore.source.rpc;

import io.grpc.stub.StreamObserver;
import io.longshore.agent.v1.CanaryServiceGrpc;
import io.longshore.agent.v1.EndCanaryRequest;
import io.longshore.agent.v1.EndCanaryResponse;
import io.longshore.agent.v1.StartCanaryRequest;
import io.longshore.agent.v1.StartCanaryResponse;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.canary.Canaries;

/** Starts and ends what the coordinator has this node move to itself. */
public final class CanaryRpc extends CanaryServiceGrpc.CanaryServiceImplBase {
  private final Canaries canaries;

  /** Serves them. */
  public CanaryRpc(Canaries canaries) {
    this.canaries = canaries;
  }

  @Override
  public void startCanary(
      StartCanaryRequest request, StreamObserver<StartCanaryResponse> responses) {
    responses.onNext(
        StartCanaryResponse.newBuilder().setPid(canaries.start(request.getCanaryId())).build());
    responses.onCompleted();
  }

  @Override
  public void endCanary(EndCanaryRequest request, StreamObserver<EndCanaryResponse> responses) {
    long pages;
    try {
      pages = canaries.end(request.getCanaryId());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(Reason.CANCELLED, "the agent is stopping", e);
    }
    responses.onNext(EndCanaryResponse.newBuilder().setPagesChecked(pages).build());
    responses.onCompleted();
  }
}
