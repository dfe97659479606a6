package io.longshore.target.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import io.grpc.stub.StreamObserver;
import io.longshore.agent.host.NodeFacts;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.rpc.FactsMessages;
import io.longshore.agent.v1.AbortTargetRequest;
import io.longshore.agent.v1.AbortTargetResponse;
import io.longshore.agent.v1.CheckTargetRequest;
import io.longshore.agent.v1.CheckTargetResponse;
import io.longshore.agent.v1.CompleteTargetRequest;
import io.longshore.agent.v1.CompleteTargetResponse;
import io.longshore.agent.v1.GetTargetRequest;
import io.longshore.agent.v1.GetTargetResponse;
import io.longshore.agent.v1.PrepareTargetRequest;
import io.longshore.agent.v1.PrepareTargetResponse;
import io.longshore.agent.v1.RestoreWorkloadRequest;
import io.longshore.agent.v1.RestoreWorkloadResponse;
import io.longshore.agent.v1.ResumeWorkloadRequest;
import io.longshore.agent.v1.ResumeWorkloadResponse;
import io.longshore.agent.v1.TargetAgentServiceGrpc;
import io.longshore.platform.value.HostPort;
import io.longshore.target.arrival.Arrival;
import io.longshore.target.arrival.Arrivals;
import io.longshore.target.arrival.Phase;
import io.longshore.target.check.TargetCheck;
import io.longshore.target.pages.DemandFaults;
import java.time.Duration;
import java.util.function.Supplier;

/** The target-agent's service for the coordinator. Calls block their own virtual thread. */
public final class TargetAgentRpc extends TargetAgentServiceGrpc.TargetAgentServiceImplBase {
  private static final Duration FOR_EVER = Duration.ofSeconds(Long.MAX_VALUE);

  private final Arrivals arrivals;
  private final TargetCheck check;
  private final Supplier<NodeFacts> node;
  private final HostPort transfer;

  /**
   * @param node what this host can do now
   * @param transfer where sources reach the data plane
   */
  public TargetAgentRpc(
      Arrivals arrivals, TargetCheck check, Supplier<NodeFacts> node, HostPort transfer) {
    this.arrivals = arrivals;
    this.check = check;
    this.node = node;
    this.transfer = transfer;
  }

  @Override
  public void checkTarget(
      CheckTargetRequest request, StreamObserver<CheckTargetResponse> responses) {
    CheckTargetResponse.Builder response =
        CheckTargetResponse.newBuilder().setTransferEndpoint(transfer.toString());
    check
        .check(
            FactsMessages.facts(request.getFacts()),
            FactsMessages.node(request.getSource()),
            node.get())
        .forEach(problem -> response.addObstacles(FactsMessages.obstacle(problem)));
    answer(responses, response.build());
  }

  @Override
  public void prepareTarget(
      PrepareTargetRequest request, StreamObserver<PrepareTargetResponse> responses) {
    Arrival arrival =
        arrivals.prepare(
            FactsMessages.ref(request.getMigration()), FactsMessages.facts(request.getFacts()));
    answer(
        responses,
        PrepareTargetResponse.newBuilder()
            .setTransferEndpoint(transfer.toString())
            .setTransferSecret(ByteString.copyFrom(arrival.secret()))
            .build());
  }

  @Override
  public void restoreWorkload(
      RestoreWorkloadRequest request, StreamObserver<RestoreWorkloadResponse> responses) {
    Arrival arrival = arrivals.get(FactsMessages.ref(request.getMigration()));
    Duration took =
        arrival.restore(
            request.hasLinkPatience()
                ? Duration.ofNanos(Durations.toNanos(request.getLinkPatience()))
                : FOR_EVER);
    answer(
        responses,
        RestoreWorkloadResponse.newBuilder()
            .setRestoreTime(Durations.fromNanos(took.toNanos()))
            .build());
  }

  @Override
  public void resumeWorkload(
      ResumeWorkloadRequest request, StreamObserver<ResumeWorkloadResponse> responses) {
    int pid = arrivals.get(FactsMessages.ref(request.getMigration())).resume();
    answer(responses, ResumeWorkloadResponse.newBuilder().setPid(pid).build());
  }

  @Override
  public void completeTarget(
      CompleteTargetRequest request, StreamObserver<CompleteTargetResponse> responses) {
    DemandFaults faults =
        arrivals
            .get(FactsMessages.ref(request.getMigration()))
            .complete(request.getSourceAbandoned());
    answer(responses, answerOf(faults));
  }

  private static CompleteTargetResponse answerOf(DemandFaults faults) {
    CompleteTargetResponse.Builder answer =
        CompleteTargetResponse.newBuilder().setDemandFaults(faults.count());
    if (faults.count() > 0) {
      answer
          .setDemandFaultP50(Durations.fromNanos(faults.median().toNanos()))
          .setDemandFaultP99(Durations.fromNanos(faults.percentile99().toNanos()));
    }
    return answer.build();
  }

  @Override
  public void abortTarget(
      AbortTargetRequest request, StreamObserver<AbortTargetResponse> responses) {
    arrivals.abort(FactsMessages.ref(request.getMigration()), request.getAbandoned());
    answer(responses, AbortTargetResponse.getDefaultInstance());
  }

  @Override
  public void getTarget(GetTargetRequest request, StreamObserver<GetTargetResponse> responses) {
    MigrationRef ref = FactsMessages.ref(request.getMigration());
    GetTargetResponse.Phase phase =
        arrivals
            .find(ref)
            .map(arrival -> phase(arrival.phase()))
            .orElse(GetTargetResponse.Phase.PHASE_UNKNOWN);
    answer(responses, GetTargetResponse.newBuilder().setPhase(phase).build());
  }

  private static GetTargetResponse.Phase phase(Phase phase) {
    return switch (phase) {
      case PREPARED -> GetTargetResponse.Phase.PHASE_PREPARED;
      case RESTORING -> GetTargetResponse.Phase.PHASE_RESTORING;
      case HELD -> GetTargetResponse.Phase.PHASE_HELD;
      case RESUMED -> GetTargetResponse.Phase.PHASE_RESUMED;
      case COMPLETE -> GetTargetResponse.Phase.PHASE_COMPLETE;
      case ABORTED -> GetTargetResponse.Phase.PHASE_ABORTED;
      case LOST -> GetTargetResponse.Phase.PHASE_LOST;
      case STRANDED -> GetTargetResponse.Phase.PHASE_STRANDED;
    };
  }

  private static <T> void answer(StreamObserver<T> responses, T response) {
    responses.onNext(response);
    responses.onCompleted();
  }
}
