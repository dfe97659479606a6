package io.longshore.coordinator.story;

import io.grpc.stub.StreamObserver;
import io.longshore.agent.v1.CanaryServiceGrpc;
import io.longshore.agent.v1.EndCanaryRequest;
import io.longshore.agent.v1.EndCanaryResponse;
import io.longshore.agent.v1.StartCanaryRequest;
import io.longshore.agent.v1.StartCanaryResponse;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Canaries that are not there. */
final class FakeCanaries extends CanaryServiceGrpc.CanaryServiceImplBase {
  static final int PID = 4712;

  private final Script script;
  final Set<String> alive = ConcurrentHashMap.newKeySet();

  FakeCanaries(Script script) {
    this.script = script;
  }

  private void enter(String call) {
    try {
      script.enter(call);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void startCanary(StartCanaryRequest request, StreamObserver<StartCanaryResponse> to) {
    enter("StartCanary");
    alive.add(request.getCanaryId());
    to.onNext(StartCanaryResponse.newBuilder().setPid(PID).build());
    to.onCompleted();
  }

  @Override
  public void endCanary(EndCanaryRequest request, StreamObserver<EndCanaryResponse> to) {
    alive.remove(request.getCanaryId());
    enter("EndCanary");
    to.onNext(EndCanaryResponse.newBuilder().setPagesChecked(1).build());
    to.onCompleted();
  }
}
