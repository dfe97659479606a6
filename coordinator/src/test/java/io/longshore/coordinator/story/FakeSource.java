package io.longshore.coordinator.story;

import com.google.protobuf.util.Durations;
import io.grpc.stub.StreamObserver;
import io.longshore.agent.v1.ContainerFacts;
import io.longshore.agent.v1.CopyRoundsRequest;
import io.longshore.agent.v1.CopyRoundsResponse;
import io.longshore.agent.v1.FreezeWorkloadRequest;
import io.longshore.agent.v1.FreezeWorkloadResponse;
import io.longshore.agent.v1.GetSourceRequest;
import io.longshore.agent.v1.GetSourceResponse;
import io.longshore.agent.v1.InspectWorkloadRequest;
import io.longshore.agent.v1.InspectWorkloadResponse;
import io.longshore.agent.v1.LimitSourceRequest;
import io.longshore.agent.v1.LimitSourceResponse;
import io.longshore.agent.v1.ListWorkloadsRequest;
import io.longshore.agent.v1.ListWorkloadsResponse;
import io.longshore.agent.v1.PrepareSourceRequest;
import io.longshore.agent.v1.PrepareSourceResponse;
import io.longshore.agent.v1.ProbeLinkRequest;
import io.longshore.agent.v1.ProbeLinkResponse;
import io.longshore.agent.v1.ProfileWorkloadRequest;
import io.longshore.agent.v1.ProfileWorkloadResponse;
import io.longshore.agent.v1.PushPagesRequest;
import io.longshore.agent.v1.PushPagesResponse;
import io.longshore.agent.v1.ReleaseSourceRequest;
import io.longshore.agent.v1.ReleaseSourceResponse;
import io.longshore.agent.v1.RollBackSourceRequest;
import io.longshore.agent.v1.RollBackSourceResponse;
import io.longshore.agent.v1.SourceAgentServiceGrpc;
import io.longshore.agent.v1.TaskFacts;
import io.longshore.agent.v1.TcpSocketFacts;
import io.longshore.agent.v1.WorkloadFacts;
import io.longshore.v1.LinkProfile;
import io.longshore.v1.ListedWorkload;
import io.longshore.v1.MemorySizes;
import io.longshore.v1.Obstacle;
import io.longshore.v1.WrittenInterval;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A source-agent that moves nothing. */
final class FakeSource extends SourceAgentServiceGrpc.SourceAgentServiceImplBase {
  static final long PAGES = 1000;
  static final long IMAGE_BYTES = 4321;

  /** After rounds. */
  static final long STALE = 50;

  private final Script script;
  private final World world;
  final List<Obstacle> obstacles = new CopyOnWriteArrayList<>();
  final List<InspectWorkloadRequest> inspected = new CopyOnWriteArrayList<>();
  final List<ListedWorkload> listed = new CopyOnWriteArrayList<>();

  /** Of a process, if it is the default. */
  volatile ContainerFacts container = ContainerFacts.getDefaultInstance();

  /** Null: it knows nothing of watching. */
  volatile @Nullable ProfileWorkloadResponse profile;

  volatile CopyRoundsResponse.End end = CopyRoundsResponse.End.END_CONVERGED;
  final List<CopyRoundsRequest> copied = new CopyOnWriteArrayList<>();
  final List<PrepareSourceRequest> prepared = new CopyOnWriteArrayList<>();
  private final List<LimitSourceRequest> limits = new CopyOnWriteArrayList<>();

  FakeSource(Script script, World world) {
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
  public void inspectWorkload(
      InspectWorkloadRequest request, StreamObserver<InspectWorkloadResponse> to) {
    enter("InspectWorkload");
    inspected.add(request);
    WorkloadFacts.Builder facts =
        WorkloadFacts.newBuilder()
            .setCommand("redis-server")
            .addTasks(TaskFacts.newBuilder().setVpid(4711).addTids(4711).addTids(4712))
            .addTcpSockets(TcpSocketFacts.newBuilder().setEstablished(true))
            .addTcpSockets(TcpSocketFacts.newBuilder().setEstablished(false))
            .setPrivateBytes(PAGES * 4096)
            .setSharedBytes(8192);
    if (!container.equals(ContainerFacts.getDefaultInstance())) {
      facts.setContainer(container);
    }
    answer(
        to,
        InspectWorkloadResponse.newBuilder().setFacts(facts).addAllObstacles(obstacles).build());
  }

  @Override
  public void listWorkloads(
      ListWorkloadsRequest request, StreamObserver<ListWorkloadsResponse> to) {
    enter("ListWorkloads");
    answer(to, ListWorkloadsResponse.newBuilder().addAllWorkloads(listed).build());
  }

  @Override
  public void probeLink(ProbeLinkRequest request, StreamObserver<ProbeLinkResponse> to) {
    enter("ProbeLink");
    if (profile == null) {
      super.probeLink(request, to);
      return;
    }
    answer(
        to,
        ProbeLinkResponse.newBuilder()
            .setLink(
                LinkProfile.newBuilder()
                    .setRoundTripTime(Durations.fromMicros(200))
                    .setBytesPerSecond(100_000_000))
            .build());
  }

  @Override
  public void profileWorkload(
      ProfileWorkloadRequest request, StreamObserver<ProfileWorkloadResponse> to) {
    enter("ProfileWorkload");
    if (profile == null) {
      super.profileWorkload(request, to);
      return;
    }
    answer(to, profile);
  }

  /** Of so much memory, of which so many of 4000 sampled pages change in a second. */
  static ProfileWorkloadResponse profile(long pageBytes, int changedPages) {
    return ProfileWorkloadResponse.newBuilder()
        .setSizes(MemorySizes.newBuilder().setPageBytes(pageBytes))
        .setSampledPages(4000)
        .setCompressedShare(0.5)
        .addWritten(written(250, changedPages / 4))
        .addWritten(written(1000, changedPages))
        .setTracker("userfaultfd")
        .build();
  }

  private static WrittenInterval written(long millis, int pages) {
    return WrittenInterval.newBuilder()
        .setLength(Durations.fromMillis(millis))
        .setChangedPages(pages)
        .build();
  }

  @Override
  public void prepareSource(
      PrepareSourceRequest request, StreamObserver<PrepareSourceResponse> to) {
    enter("PrepareSource");
    world.accept(request.getMigration());
    prepared.add(request);
    answer(to, PrepareSourceResponse.getDefaultInstance());
  }

  @Override
  public void copyRounds(CopyRoundsRequest request, StreamObserver<CopyRoundsResponse> to) {
    world.accept(request.getMigration());
    copied.add(request);
    to.onNext(rounds(1, CopyRoundsResponse.End.END_UNSPECIFIED));
    enter("CopyRounds");
    to.onNext(rounds(2, CopyRoundsResponse.End.END_UNSPECIFIED));
    answer(to, rounds(3, end));
  }

  private static CopyRoundsResponse rounds(int round, CopyRoundsResponse.End end) {
    return CopyRoundsResponse.newBuilder()
        .setRound(round)
        .setTotalPages(PAGES)
        .setHeldPages(PAGES - STALE)
        .setPagesSent(round * 400L)
        .setZeroPages(round * 30L)
        .setBytesOnWire(round * 500_000L)
        .setEnd(end)
        .setTracker("userfaultfd")
        .build();
  }

  @Override
  public void freezeWorkload(
      FreezeWorkloadRequest request, StreamObserver<FreezeWorkloadResponse> to) {
    enter("FreezeWorkload");
    world.accept(request.getMigration());
    world.freeze();
    answer(
        to,
        FreezeWorkloadResponse.newBuilder()
            .setFreezeTime(Durations.fromMillis(80))
            .setSinceFreeze(Durations.fromMillis(100))
            .setImageBytes(IMAGE_BYTES)
            .setPages(PAGES)
            .setStalePages(stale())
            .build());
  }

  @Override
  public void pushPages(PushPagesRequest request, StreamObserver<PushPagesResponse> to) {
    world.accept(request.getMigration());
    to.onNext(report(stale(), stale() / 4, false));
    enter("PushPages");
    world.push();
    answer(to, report(stale(), stale(), true));
  }

  private long stale() {
    return copied.isEmpty() ? PAGES : STALE;
  }

  private static PushPagesResponse report(long total, long stored, boolean complete) {
    return PushPagesResponse.newBuilder()
        .setTotalPages(total)
        .setStoredPages(stored)
        .setPagesSent(stored - stored / 10)
        .setZeroPages(stored / 10)
        .setBytesOnWire(stored * 4096)
        .setComplete(complete)
        .build();
  }

  @Override
  public void limitSource(LimitSourceRequest request, StreamObserver<LimitSourceResponse> to) {
    enter("LimitSource");
    world.accept(request.getMigration());
    limits.add(request);
    answer(to, LimitSourceResponse.getDefaultInstance());
  }

  /** What it was told of bandwidths, in this order. */
  List<LimitSourceRequest> limits() {
    return List.copyOf(limits);
  }

  @Override
  public void releaseSource(
      ReleaseSourceRequest request, StreamObserver<ReleaseSourceResponse> to) {
    enter("ReleaseSource");
    world.accept(request.getMigration());
    world.release(request.getAbandoned());
    answer(to, ReleaseSourceResponse.getDefaultInstance());
  }

  @Override
  public void getSource(GetSourceRequest request, StreamObserver<GetSourceResponse> to) {
    enter("GetSource");
    world.accept(request.getMigration());
    answer(to, GetSourceResponse.getDefaultInstance());
  }

  @Override
  public void rollBackSource(
      RollBackSourceRequest request, StreamObserver<RollBackSourceResponse> to) {
    enter("RollBackSource");
    world.accept(request.getMigration());
    world.rollBack();
    answer(to, RollBackSourceResponse.getDefaultInstance());
  }
}
