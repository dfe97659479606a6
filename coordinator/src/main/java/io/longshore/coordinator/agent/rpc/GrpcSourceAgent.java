package io.longshore.coordinator.agent.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import io.grpc.Context;
import io.longshore.agent.v1.CopyRoundsRequest;
import io.longshore.agent.v1.CopyRoundsResponse;
import io.longshore.agent.v1.FreezeWorkloadRequest;
import io.longshore.agent.v1.FreezeWorkloadResponse;
import io.longshore.agent.v1.GetSourceRequest;
import io.longshore.agent.v1.InspectWorkloadRequest;
import io.longshore.agent.v1.InspectWorkloadResponse;
import io.longshore.agent.v1.LimitSourceRequest;
import io.longshore.agent.v1.ListWorkloadsRequest;
import io.longshore.agent.v1.ListWorkloadsResponse;
import io.longshore.agent.v1.PrepareSourceRequest;
import io.longshore.agent.v1.ProbeLinkRequest;
import io.longshore.agent.v1.ProfileWorkloadRequest;
import io.longshore.agent.v1.PushPagesRequest;
import io.longshore.agent.v1.PushPagesResponse;
import io.longshore.agent.v1.ReleaseSourceRequest;
import io.longshore.agent.v1.RollBackSourceRequest;
import io.longshore.agent.v1.SourceAgentServiceGrpc.SourceAgentServiceBlockingStub;
import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.ContainerPolicy;
import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.Inspection;
import io.longshore.coordinator.agent.LinkProfile;
import io.longshore.coordinator.agent.ListedWorkload;
import io.longshore.coordinator.agent.MigrationRef;
import io.longshore.coordinator.agent.PushReport;
import io.longshore.coordinator.agent.RoundReport;
import io.longshore.coordinator.agent.SourceAgent;
import io.longshore.coordinator.agent.TransferAccess;
import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.agent.WorkloadProfile;
import io.longshore.coordinator.rpc.ContainerMessages;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A source-agent over gRPC. */
final class GrpcSourceAgent implements SourceAgent {
  private final SourceAgentServiceBlockingStub stub;
  private final AgentCalls calls;
  private final Duration timeout;

  /**
   * @param timeout for calls that do not wait for memory or for CRIU; for the others the agent's
   *     own limits hold
   */
  GrpcSourceAgent(SourceAgentServiceBlockingStub stub, AgentCalls calls, Duration timeout) {
    this.stub = stub;
    this.calls = calls;
    this.timeout = timeout;
  }

  private SourceAgentServiceBlockingStub brief() {
    return stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public Inspection inspect(
      Workload workload, ContainerPolicy container, List<String> serviceAddresses)
      throws AgentException, InterruptedException {
    InspectWorkloadRequest request =
        InspectWorkloadRequest.newBuilder()
            .setWorkload(ContainerMessages.workload(workload))
            .setContainer(ContainerMessages.policy(container))
            .addAllServiceAddresses(serviceAddresses)
            .build();
    InspectWorkloadResponse answer = calls.call(() -> brief().inspectWorkload(request));
    return new Inspection(
        answer.hasFacts()
            ? Optional.of(new ProtoWorkloadFacts(answer.getFacts()))
            : Optional.empty(),
        AgentMessages.obstacles(answer.getObstaclesList()));
  }

  @Override
  public List<ListedWorkload> list() throws AgentException, InterruptedException {
    ListWorkloadsResponse answer =
        calls.call(() -> brief().listWorkloads(ListWorkloadsRequest.getDefaultInstance()));
    List<ListedWorkload> listed = new ArrayList<>();
    for (io.longshore.v1.ListedWorkload each : answer.getWorkloadsList()) {
      // What has no list today, and a newer agent's kinds, are left out.
      if (each.getWorkload().hasContainer()) {
        listed.add(
            new ListedWorkload(
                ContainerMessages.container("workload", each.getWorkload().getContainer()),
                each.getPid(),
                each.getState(),
                AgentMessages.obstacles(each.getObstaclesList())));
      }
    }
    return listed;
  }

  @Override
  public WorkloadProfile profile(Workload workload, Duration time)
      throws AgentException, InterruptedException {
    ProfileWorkloadRequest request =
        ProfileWorkloadRequest.newBuilder()
            .setWorkload(ContainerMessages.workload(workload))
            .setSampleTime(Durations.fromNanos(time.toNanos()))
            .build();
    return AgentMessages.profile(calls.call(() -> brief().profileWorkload(request)));
  }

  @Override
  public LinkProfile probe(String transferEndpoint) throws AgentException, InterruptedException {
    ProbeLinkRequest request =
        ProbeLinkRequest.newBuilder().setTransferEndpoint(transferEndpoint).build();
    var link = calls.call(() -> brief().probeLink(request)).getLink();
    return new LinkProfile(
        AgentMessages.duration(link.getRoundTripTime()), link.getBytesPerSecond());
  }

  @Override
  public void prepare(
      MigrationRef migration,
      Workload workload,
      ContainerPolicy container,
      List<String> serviceAddresses,
      TransferAccess target)
      throws AgentException, InterruptedException {
    PrepareSourceRequest request =
        PrepareSourceRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setWorkload(ContainerMessages.workload(workload))
            .setContainer(ContainerMessages.policy(container))
            .addAllServiceAddresses(serviceAddresses)
            .setTransferEndpoint(target.endpoint())
            .setTransferSecret(ByteString.copyFrom(target.secret()))
            .build();
    calls.call(() -> brief().prepareSource(request));
  }

  @Override
  public FreezeReport freeze(MigrationRef migration, Duration linkPatience)
      throws AgentException, InterruptedException {
    FreezeWorkloadRequest request =
        FreezeWorkloadRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setLinkPatience(Durations.fromNanos(linkPatience.toNanos()))
            .build();
    FreezeWorkloadResponse answer = calls.call(() -> stub.freezeWorkload(request));
    return new FreezeReport(
        AgentMessages.duration(answer.getFreezeTime()),
        AgentMessages.duration(answer.getSinceFreeze()),
        answer.getImageBytes(),
        answer.getPages(),
        answer.getStalePages());
  }

  @Override
  public RoundReport copy(
      MigrationRef migration,
      Duration pageBudget,
      int maxRounds,
      boolean throttle,
      Duration linkPatience,
      Consumer<RoundReport> progress)
      throws AgentException, InterruptedException {
    CopyRoundsRequest request =
        CopyRoundsRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setPageBudget(Durations.fromNanos(pageBudget.toNanos()))
            .setMaxRounds(maxRounds)
            .setThrottle(throttle)
            .setLinkPatience(Durations.fromNanos(linkPatience.toNanos()))
            .build();
    return follow(
        () -> stub.copyRounds(request),
        report -> report.getEnd() != CopyRoundsResponse.End.END_UNSPECIFIED,
        AgentMessages::rounds,
        progress,
        "the source ended the rounds without saying why");
  }

  @Override
  public PushReport push(
      MigrationRef migration,
      boolean resumed,
      @Nullable Duration linkPatience,
      Consumer<PushReport> progress)
      throws AgentException, InterruptedException {
    PushPagesRequest.Builder asked =
        PushPagesRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setResumed(resumed);
    if (linkPatience != null) {
      asked.setLinkPatience(Durations.fromNanos(linkPatience.toNanos()));
    }
    PushPagesRequest request = asked.build();
    return follow(
        () -> stub.pushPages(request),
        PushPagesResponse::getComplete,
        AgentMessages::push,
        progress,
        "the source ended the push without saying that nothing is stale");
  }

  /** Follows reports until the last. However this ends, the stream does not outlive it. */
  private <M, R> R follow(
      Supplier<Iterator<M>> call,
      Predicate<M> last,
      Function<M, R> reading,
      Consumer<R> progress,
      String unfinished)
      throws AgentException, InterruptedException {
    Context.CancellableContext scope = Context.current().withCancellation();
    Context outside = scope.attach();
    try {
      Iterator<M> reports = calls.call(call);
      while (calls.call(reports::hasNext)) {
        M report = reports.next();
        if (last.test(report)) {
          return reading.apply(report);
        }
        progress.accept(reading.apply(report));
      }
    } finally {
      scope.detach(outside);
      scope.cancel(null);
    }
    throw new AgentException(
        AgentException.Kind.REFUSED,
        Reason.TRANSFER_BROKEN.name(),
        unfinished,
        List.of(),
        new IllegalStateException("end of stream"));
  }

  @Override
  public void limit(MigrationRef migration, long maxBandwidth, long revision)
      throws AgentException, InterruptedException {
    LimitSourceRequest request =
        LimitSourceRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setMaxBandwidth(maxBandwidth)
            .setRevision(revision)
            .build();
    calls.call(() -> brief().limitSource(request));
  }

  @Override
  public void release(MigrationRef migration, boolean abandoned)
      throws AgentException, InterruptedException {
    ReleaseSourceRequest request =
        ReleaseSourceRequest.newBuilder()
            .setMigration(AgentMessages.ref(migration))
            .setAbandoned(abandoned)
            .build();
    calls.call(() -> brief().releaseSource(request));
  }

  @Override
  public void rollBack(MigrationRef migration) throws AgentException, InterruptedException {
    RollBackSourceRequest request =
        RollBackSourceRequest.newBuilder().setMigration(AgentMessages.ref(migration)).build();
    calls.call(() -> brief().rollBackSource(request));
  }

  @Override
  public void greet(MigrationRef migration) throws AgentException, InterruptedException {
    GetSourceRequest request =
        GetSourceRequest.newBuilder().setMigration(AgentMessages.ref(migration)).build();
    calls.call(() -> brief().getSource(request));
  }
}
