package io.longshore.source.rpc;

import com.google.protobuf.util.Durations;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.longshore.agent.migration.Step;
import io.longshore.agent.rpc.ContainerMessages;
import io.longshore.agent.rpc.FactsMessages;
import io.longshore.agent.runtime.WorkloadName;
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
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.value.HostPort;
import io.longshore.source.departure.BandwidthLimit;
import io.longshore.source.departure.Departure;
import io.longshore.source.departure.Departures;
import io.longshore.source.departure.FreezeResult;
import io.longshore.source.departure.Phase;
import io.longshore.source.departure.TransferTarget;
import io.longshore.source.pages.PushProgress;
import io.longshore.source.pages.RoundPolicy;
import io.longshore.source.pages.RoundProgress;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.source.profile.WorkloadProfiler;
import io.longshore.source.runtime.ListedWorkload;
import io.longshore.source.runtime.SourceRuntimes;
import io.longshore.source.tracking.DirtyTrackers;
import io.longshore.source.workload.Inspection;
import io.longshore.source.workload.WorkloadInspector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The source-agent's service for the coordinator. Calls block their own virtual thread. */
public final class SourceAgentRpc extends SourceAgentServiceGrpc.SourceAgentServiceImplBase {
  private static final long REPORT_MILLIS = 100;

  private final SourceRuntimes runtimes;
  private final Departures departures;
  private final WorkloadInspector inspector;
  private final WorkloadProfiler profiler;
  private final LinkProbe linkProbe;

  /** For these migrations. */
  public SourceAgentRpc(
      SourceRuntimes runtimes,
      Departures departures,
      WorkloadInspector inspector,
      WorkloadProfiler profiler,
      LinkProbe linkProbe) {
    this.runtimes = runtimes;
    this.departures = departures;
    this.inspector = inspector;
    this.profiler = profiler;
    this.linkProbe = linkProbe;
  }

  @Override
  public void inspectWorkload(
      InspectWorkloadRequest request, StreamObserver<InspectWorkloadResponse> responses) {
    Inspection inspection =
        inspector.inspect(
            ContainerMessages.name(request.getWorkload()),
            ContainerMessages.policy(request.getContainer()),
            request.getServiceAddressesList());
    InspectWorkloadResponse.Builder response = InspectWorkloadResponse.newBuilder();
    inspection.facts().ifPresent(facts -> response.setFacts(FactsMessages.facts(facts)));
    inspection
        .problems()
        .forEach(problem -> response.addObstacles(FactsMessages.obstacle(problem)));
    answer(responses, response.build());
  }

  @Override
  public void listWorkloads(
      ListWorkloadsRequest request, StreamObserver<ListWorkloadsResponse> responses) {
    ListWorkloadsResponse.Builder response = ListWorkloadsResponse.newBuilder();
    for (ListedWorkload listed : runtimes.list()) {
      response.addWorkloads(
          io.longshore.v1.ListedWorkload.newBuilder()
              .setWorkload(ContainerMessages.workload(listed.workload()))
              .setPid(listed.pid())
              .setState(listed.state())
              .addAllObstacles(listed.problems().stream().map(FactsMessages::obstacle).toList()));
    }
    answer(responses, response.build());
  }

  @Override
  public void profileWorkload(
      ProfileWorkloadRequest request, StreamObserver<ProfileWorkloadResponse> responses) {
    WorkloadName workload = ContainerMessages.name(request.getWorkload());
    int pid = runtimes.find(workload, ContainerPolicy.NONE).root().pid();
    try {
      answer(
          responses,
          ProfileMessages.profile(
              profiler.profile(pid, ProfileMessages.sampleTime(request)),
              DirtyTrackers.nameForThisKernel()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(Reason.CANCELLED, "the agent is stopping", e);
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.UNKNOWN_PROCESS, "cannot watch " + workload + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void probeLink(ProbeLinkRequest request, StreamObserver<ProbeLinkResponse> responses) {
    try {
      answer(
          responses,
          ProfileMessages.link(linkProbe.probe(endpoint(request.getTransferEndpoint()))));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(Reason.CANCELLED, "the agent is stopping", e);
    }
  }

  @Override
  public void prepareSource(
      PrepareSourceRequest request, StreamObserver<PrepareSourceResponse> responses) {
    departures.prepare(
        FactsMessages.ref(request.getMigration()),
        ContainerMessages.name(request.getWorkload()),
        ContainerMessages.policy(request.getContainer()),
        request.getServiceAddressesList(),
        new TransferTarget(
            endpoint(request.getTransferEndpoint()), request.getTransferSecret().toByteArray()));
    answer(responses, PrepareSourceResponse.getDefaultInstance());
  }

  @Override
  public void freezeWorkload(
      FreezeWorkloadRequest request, StreamObserver<FreezeWorkloadResponse> responses) {
    Departure departure = departures.get(FactsMessages.ref(request.getMigration()));
    CompletableFuture<FreezeResult> frozen = departure.freeze();
    while (!isEnded(frozen)) {
      refuseIfCut(departure, request.getLinkPatience(), request.hasLinkPatience());
    }
    FreezeResult result = Step.join(frozen);
    answer(
        responses,
        FreezeWorkloadResponse.newBuilder()
            .setFreezeTime(Durations.fromNanos(result.freezeTime().toNanos()))
            .setSinceFreeze(Durations.fromNanos(System.nanoTime() - result.startNanos()))
            .setImageBytes(result.imageBytes())
            .setPages(result.pages())
            .setStalePages(result.stalePages())
            .build());
  }

  @Override
  public void pushPages(PushPagesRequest request, StreamObserver<PushPagesResponse> responses) {
    var stream = (ServerCallStreamObserver<PushPagesResponse>) responses;
    Departure departure = departures.get(FactsMessages.ref(request.getMigration()));
    CompletableFuture<Void> complete = push(departure, request.getResumed());
    boolean done = false;
    while (!done && !stream.isCancelled()) {
      done = isDone(complete, "the push");
      if (!done) {
        refuseIfCut(departure, request.getLinkPatience(), request.hasLinkPatience());
      }
      responses.onNext(report(departure, done));
    }
    if (done) {
      responses.onCompleted();
    }
  }

  @Override
  public void copyRounds(CopyRoundsRequest request, StreamObserver<CopyRoundsResponse> responses) {
    var stream = (ServerCallStreamObserver<CopyRoundsResponse>) responses;
    Departure departure = departures.get(FactsMessages.ref(request.getMigration()));
    CompletableFuture<RoundProgress> complete = departure.copy(policy(request));
    boolean done = false;
    try {
      while (!done && !stream.isCancelled()) {
        follow(departure, departure.linkBrokenFor().isZero());
        done = isDone(complete, "the rounds");
        if (!done) {
          refuseIfCut(departure, request.getLinkPatience(), request.hasLinkPatience());
        }
        responses.onNext(report(departure, departure.roundProgress()));
      }
    } finally {
      if (!done) {
        follow(departure, false);
      }
    }
    if (done) {
      responses.onCompleted();
    }
  }

  private static void follow(Departure departure, boolean followed) {
    try {
      departure.follow(followed);
    } catch (IOException e) {
      throw new UncheckedIOException("the workload may still be slowed", e);
    }
  }

  @Override
  public void limitSource(
      LimitSourceRequest request, StreamObserver<LimitSourceResponse> responses) {
    if (request.getMaxBandwidth() < 0) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "max_bandwidth: is " + request.getMaxBandwidth());
    }
    departures
        .get(FactsMessages.ref(request.getMigration()))
        .limit(new BandwidthLimit(request.getMaxBandwidth(), request.getRevision()));
    answer(responses, LimitSourceResponse.getDefaultInstance());
  }

  @Override
  public void releaseSource(
      ReleaseSourceRequest request, StreamObserver<ReleaseSourceResponse> responses) {
    departures.release(FactsMessages.ref(request.getMigration()), request.getAbandoned());
    answer(responses, ReleaseSourceResponse.getDefaultInstance());
  }

  @Override
  public void rollBackSource(
      RollBackSourceRequest request, StreamObserver<RollBackSourceResponse> responses) {
    departures.rollBack(FactsMessages.ref(request.getMigration()));
    answer(responses, RollBackSourceResponse.getDefaultInstance());
  }

  @Override
  public void getSource(GetSourceRequest request, StreamObserver<GetSourceResponse> responses) {
    GetSourceResponse.Phase phase =
        departures
            .phase(FactsMessages.ref(request.getMigration()))
            .map(SourceAgentRpc::phase)
            .orElse(GetSourceResponse.Phase.PHASE_UNKNOWN);
    answer(responses, GetSourceResponse.newBuilder().setPhase(phase).build());
  }

  private static CompletableFuture<Void> push(Departure departure, boolean resumed) {
    try {
      return departure.push(resumed);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(Reason.CANCELLED, "the agent is stopping", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at the frozen workload", e);
    }
  }

  private static boolean isDone(CompletableFuture<?> complete, String what) {
    boolean ended = isEnded(complete);
    if (ended && complete.isCompletedExceptionally()) {
      Throwable failure =
          complete.isCancelled()
              ? new CancellationException(what + " was ended")
              : complete.exceptionNow();
      Throwable cause = failure;
      while (cause != null && !(cause instanceof TransferBrokenException)) {
        cause = cause.getCause();
      }
      throw new LongshoreException(
          Reason.TRANSFER_BROKEN,
          cause == null ? what + " failed: " + failure : String.valueOf(cause.getMessage()),
          failure);
    }
    return ended;
  }

  /** Waits until the next report is due, or this is over, in whichever way. */
  private static boolean isEnded(CompletableFuture<?> complete) {
    try {
      complete.get(REPORT_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException | CancellationException e) {
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(Reason.CANCELLED, "the agent is stopping", e);
    }
  }

  private static RoundPolicy policy(CopyRoundsRequest request) {
    try {
      return new RoundPolicy(
          Duration.ofNanos(Durations.toNanos(request.getPageBudget())),
          request.getMaxRounds(),
          request.getThrottle());
    } catch (IllegalArgumentException e) {
      throw new LongshoreException(Reason.INVALID_ARGUMENT, String.valueOf(e.getMessage()), e);
    }
  }

  private static CopyRoundsResponse report(Departure departure, RoundProgress progress) {
    return CopyRoundsResponse.newBuilder()
        .setRound(progress.round())
        .setTotalPages(progress.totalPages())
        .setHeldPages(progress.heldPages())
        .setPagesSent(progress.contentSent())
        .setZeroPages(progress.zero())
        .setBytesOnWire(departure.bytesOnWire())
        .setTracker(departure.tracker())
        .setThrottledPercent(progress.percent() == 100 ? 0 : progress.percent())
        .setEnd(
            switch (progress.end()) {
              case NONE -> CopyRoundsResponse.End.END_UNSPECIFIED;
              case CONVERGED -> CopyRoundsResponse.End.END_CONVERGED;
              case NO_GAIN -> CopyRoundsResponse.End.END_NO_GAIN;
              case ROUNDS -> CopyRoundsResponse.End.END_MAX_ROUNDS;
            })
        .setLinkCut(progress.end() == RoundProgress.End.NONE && !departure.linkBrokenFor().isZero())
        .build();
  }

  private static void refuseIfCut(
      Departure departure, com.google.protobuf.Duration patience, boolean limited) {
    Duration cut = departure.linkBrokenFor();
    if (limited && cut.toNanos() > Durations.toNanos(patience)) {
      throw new LongshoreException(
          Reason.LINK_CUT,
          "the link to the target has been cut for %d ms".formatted(cut.toMillis()));
    }
  }

  private static PushPagesResponse report(Departure departure, boolean done) {
    PushProgress progress = departure.pushProgress();
    return PushPagesResponse.newBuilder()
        .setTotalPages(progress.total())
        .setStoredPages(progress.stored())
        .setPagesSent(progress.contentSent())
        .setZeroPages(progress.zero())
        .setBytesOnWire(departure.bytesOnWire())
        .setComplete(done)
        .setLinkCut(!done && !departure.linkBrokenFor().isZero())
        .build();
  }

  private static HostPort endpoint(String text) {
    try {
      return HostPort.parse(text);
    } catch (IllegalArgumentException e) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "transfer_endpoint: " + e.getMessage(), e);
    }
  }

  private static GetSourceResponse.Phase phase(Phase phase) {
    return switch (phase) {
      case PREPARED -> GetSourceResponse.Phase.PHASE_PREPARED;
      case FREEZING, FROZEN, RELEASING, ROLLING_BACK -> GetSourceResponse.Phase.PHASE_FROZEN;
      case RELEASED -> GetSourceResponse.Phase.PHASE_RELEASED;
      case ROLLED_BACK -> GetSourceResponse.Phase.PHASE_ROLLED_BACK;
      case LOST -> GetSourceResponse.Phase.PHASE_LOST;
    };
  }

  private static <T> void answer(StreamObserver<T> responses, T response) {
    responses.onNext(response);
    responses.onCompleted();
  }
}
