package io.longshore.coordinator.agent.rpc;

import io.longshore.agent.v1.CanaryServiceGrpc.CanaryServiceBlockingStub;
import io.longshore.agent.v1.EndCanaryRequest;
import io.longshore.agent.v1.StartCanaryRequest;
import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.CanaryAgent;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A source-agent's canaries over gRPC. */
final class GrpcCanaryAgent implements CanaryAgent {
  private final CanaryServiceBlockingStub stub;
  private final AgentCalls calls;
  private final Duration timeout;

  GrpcCanaryAgent(CanaryServiceBlockingStub stub, AgentCalls calls, Duration timeout) {
    this.stub = stub;
    this.calls = calls;
    this.timeout = timeout;
  }

  private CanaryServiceBlockingStub brief() {
    return stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public int start(String id) throws AgentException, InterruptedException {
    StartCanaryRequest request = StartCanaryRequest.newBuilder().setCanaryId(id).build();
    // The agent was heard; if it was started just now, gRPC may still wait before it connects
    // again.
    return calls.call(() -> brief().withWaitForReady().startCanary(request)).getPid();
  }

  @Override
  public void end(String id) throws AgentException, InterruptedException {
    EndCanaryRequest request = EndCanaryRequest.newBuilder().setCanaryId(id).build();
    calls.call(() -> brief().endCanary(request));
  }
}
