package io.longshore.coordinator.agent.rpc;

import com.google.protobuf.util.Durations;
import io.longshore.agent.v1.AbortTargetRequest;
import io.longshore.agent.v1.CheckTargetRequest;
import io.longshore.agent.v1.CheckTargetResponse;
import io.longshore.agent.v1.CompleteTargetRequest;
import io.longshore.agent.v1.CompleteTargetResponse;
import io.longshore.agent.v1.GetTargetRequest;
import io.longshore.agent.v1.PrepareTargetRequest;
import io.longshore.agent.v1.PrepareTargetResponse;
import io.longshore.agent.v1.RestoreWorkloadRequest;
import io.longshore.agent.v1.ResumeWorkloadRequest;
import io.longshore.agent.v1.TargetAgentServiceGrpc.TargetAgentServiceBlockingStub;
import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.DemandFaults;
import io.longshore.coordinator.agent.MigrationRef;
import io.longshore.coordinator.agent.TargetAgent;
import io.longshore.coordinator.agent.TargetCheck;
import io.longshore.coordinator.agent.TransferAccess;
import io.longshore.coordinator.agent.WorkloadFacts;
import io.longshore.coordinator.node.NodeCapabilities;
import io.longshore.coordinator.node.rpc.NodeMessages;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A target-agent over gRPC. */
final class GrpcTargetAgent implements TargetAgent {
  private final TargetAgentServiceBlockingStub stub;
  private final AgentCalls calls;
  private final Duration timeout;

  /**
   * @param timeout for calls that do not wait for memory or for CRIU; for the others the agent's
   *     own limits hold
   */
  GrpcTargetAgent(TargetAgentServiceBlockingStub stub, AgentCalls calls, Duration timeout) {
    this.stub = stub;
    this.calls = calls;
    this.timeout = timeout;
  }

  private TargetAgentServiceBlockingStub brief() {
    return stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public TargetCheck check(WorkloadFacts facts, NodeCapabilities source)
      throws AgentException, InterruptedException {
    CheckTargetRequest request =
        CheckTargetRequest.newBuilder()
            .setFacts(ProtoWorkloadFacts.message(facts))
            .setSource(NodeMessages.capabilities(source))
            .build();
    CheckTargetResponse answer = calls.call(() -> brief().checkTarget(request));
    return new TargetCheck(
        AgentMessages.obstacles(answer.getObstaclesList()), answer.getTransferEndpoint());
  }

  @Override
  public TransferAccess prepare(MigrationRef migration, WorkloadFacts facts)
      throws AgentException, InterruptedException {
    PrepareTargetRequest request =
        PrepareTargetRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setFacts(ProtoWorkloadFacts.message(facts))
            .build();
    PrepareTargetResponse answer = calls.call(() -> brief().prepareTarget(request));
    return new TransferAccess(
        answer.getTransferEndpoint(), answer.getTransferSecret().toByteArray());
  }

  @Override
  public Duration restore(MigrationRef migration, Duration linkPatience)
      throws AgentException, InterruptedException {
    RestoreWorkloadRequest request =
        RestoreWorkloadRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setLinkPatience(Durations.fromNanos(linkPatience.toNanos()))
            .build();
    return AgentMessages.duration(calls.call(() -> stub.restoreWorkload(request)).getRestoreTime());
  }

  @Override
  public void resume(MigrationRef migration) throws AgentException, InterruptedException {
    ResumeWorkloadRequest request =
        ResumeWorkloadRequest.newBuilder().setMigration(AgentMessages.ref(migration)).build();
    calls.call(() -> brief().resumeWorkload(request));
  }

  @Override
  public DemandFaults complete(MigrationRef migration, boolean sourceAbandoned)
      throws AgentException, InterruptedException {
    CompleteTargetRequest request =
        CompleteTargetRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setSourceAbandoned(sourceAbandoned)
            .build();
    CompleteTargetResponse answer = calls.call(() -> stub.completeTarget(request));
    return new DemandFaults(
        answer.getDemandFaults(),
        AgentMessages.duration(answer.getDemandFaultP50()),
        AgentMessages.duration(answer.getDemandFaultP99()));
  }

  @Override
  public void abort(MigrationRef migration, boolean abandoned)
      throws AgentException, InterruptedException {
    AbortTargetRequest request =
        AbortTargetRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setAbandoned(abandoned)
            .build();
    calls.call(() -> brief().abortTarget(request));
  }

  @Override
  public void greet(MigrationRef migration) throws AgentException, InterruptedException {
    GetTargetRequest request =
        GetTargetRequest.newBuilder().setMigration(AgentMessages.ref(migration)).build();
    calls.call(() -> brief().getTarget(request));
  }
}
