package io.longshore.coordinator.story;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import io.grpc.stub.StreamObserver;
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
import io.longshore.v1.Obstacle;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A target-agent that restores nothing. */
final class FakeTarget extends TargetAgentServiceGrpc.TargetAgentServiceImplBase {
  private final Script script;
  private final World world;
  final List<Obstacle> obstacles = new CopyOnWriteArrayList<>();
  final List<Boolean> sourceAbandoned = new CopyOnWriteArrayList<>();
  final List<RestoreWorkloadRequest> restored = new CopyOnWriteArrayList<>();
  final List<CheckTargetRequest> checked = new CopyOnWriteArrayList<>();
  final List<PrepareTargetRequest> prepared = new CopyOnWriteArrayList<>();

  FakeTarget(Script script, World world) {
    this.script = script;
    this.world = world;
  }

  private void enter(String call) {
    try {
      script.enter(call);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static <T> void answer(StreamObserver<T> to, T message) {
    to.onNext(message);
    to.onCompleted();
  }

  @Override
  public void checkTarget(CheckTargetRequest request, StreamObserver<CheckTargetResponse> to) {
    enter("CheckTarget");
    checked.add(request);
    answer(
        to,
        CheckTargetResponse.newBuilder()
            .addAllObstacles(obstacles)
            .setTransferEndpoint("127.0.0.1:4")
            .build());
  }

  @Override
  public void prepareTarget(
      PrepareTargetRequest request, StreamObserver<PrepareTargetResponse> to) {
    enter("PrepareTarget");
    world.accept(request.getMigration());
    prepared.add(request);
    answer(
        to,
        PrepareTargetResponse.newBuilder()
            .setTransferEndpoint("127.0.0.1:4")
            .setTransferSecret(ByteString.copyFromUtf8("secret"))
            .build());
  }

  @Override
  public void restoreWorkload(
      RestoreWorkloadRequest request, StreamObserver<RestoreWorkloadResponse> to) {
    enter("RestoreWorkload");
    world.accept(request.getMigration());
    restored.add(request);
    world.restore();
    answer(
        to, RestoreWorkloadResponse.newBuilder().setRestoreTime(Durations.fromMillis(50)).build());
  }

  @Override
  public void resumeWorkload(
      ResumeWorkloadRequest request, StreamObserver<ResumeWorkloadResponse> to) {
    enter("ResumeWorkload");
    world.accept(request.getMigration());
    world.resume();
    answer(to, ResumeWorkloadResponse.newBuilder().setPid(4711).build());
  }

  @Override
  public void completeTarget(
      CompleteTargetRequest request, StreamObserver<CompleteTargetResponse> to) {
    enter("CompleteTarget");
    world.accept(request.getMigration());
    world.complete();
    sourceAbandoned.add(request.getSourceAbandoned());
    answer(
        to,
        CompleteTargetResponse.newBuilder()
            .setDemandFaults(7)
            .setDemandFaultP50(Durations.fromMillis(1))
            .setDemandFaultP99(Durations.fromMillis(3))
            .build());
  }

  @Override
  public void getTarget(GetTargetRequest request, StreamObserver<GetTargetResponse> to) {
    enter("GetTarget");
    world.accept(request.getMigration());
    answer(to, GetTargetResponse.getDefaultInstance());
  }

  @Override
  public void abortTarget(AbortTargetRequest request, StreamObserver<AbortTargetResponse> to) {
    enter("AbortTarget");
    world.accept(request.getMigration());
    world.abort(request.getAbandoned());
    answer(to, AbortTargetResponse.getDefaultInstance());
  }
}
