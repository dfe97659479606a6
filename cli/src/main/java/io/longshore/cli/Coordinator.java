package io.longshore.cli;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.RemoteCalls;
import io.longshore.platform.rpc.StatusMapper;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.value.HostPort;
import io.longshore.v1.CancelMigrationRequest;
import io.longshore.v1.CreateMigrationRequest;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.GetNodeRequest;
import io.longshore.v1.ListMigrationsRequest;
import io.longshore.v1.ListMigrationsResponse;
import io.longshore.v1.ListNodesRequest;
import io.longshore.v1.ListNodesResponse;
import io.longshore.v1.ListWorkloadsRequest;
import io.longshore.v1.ListWorkloadsResponse;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationPlan;
import io.longshore.v1.MigrationServiceGrpc;
import io.longshore.v1.MigrationServiceGrpc.MigrationServiceBlockingStub;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.Node;
import io.longshore.v1.NodeServiceGrpc;
import io.longshore.v1.PlanMigrationRequest;
import io.longshore.v1.ResolveMigrationRequest;
import io.longshore.v1.ResolveMigrationResponse;
import io.longshore.v1.TestNodeRequest;
import io.longshore.v1.UpdateMigrationRequest;
import io.longshore.v1.WatchMigrationRequest;
import io.longshore.v1.WatchMigrationResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The coordinator as the command sees it. What it refuses is thrown as {@link LongshoreException};
 * if it does not answer, {@link UnreachableException}.
 */
final class Coordinator implements AutoCloseable {
  private static final Duration SHORT = Duration.ofSeconds(30);

  /** Planning reads the workload's files on both nodes. */
  private static final Duration PLANNING = Duration.ofMinutes(3);

  private final HostPort address;
  private final Duration patience;
  private final ClientTrace trace;
  private final ManagedChannel channel;

  private Coordinator(
      HostPort address, Duration patience, ClientTrace trace, ManagedChannel channel) {
    this.address = address;
    this.patience = patience;
    this.trace = trace;
    this.channel = channel;
  }

  static Coordinator connect(HostPort address, Credentials credentials, Environment environment) {
    ClientTrace trace = ClientTrace.start(environment);
    return new Coordinator(
        address,
        environment.patience(),
        trace,
        new GrpcChannels(trace.telemetry(), credentials)
            .open(Destination.coordinator(address), "coordinator"));
  }

  MigrationPlan plan(MigrationSpec spec) {
    PlanMigrationRequest request = PlanMigrationRequest.newBuilder().setSpec(spec).build();
    return call(() -> migrations(PLANNING).planMigration(request).getPlan());
  }

  /**
   * Creates a migration, once: if the connection breaks it asks again with the same request id.
   *
   * @throws UnreachableException saying that it is not known whether the migration was created
   */
  Migration create(String requestId, MigrationSpec spec) {
    CreateMigrationRequest request =
        CreateMigrationRequest.newBuilder().setRequestId(requestId).setSpec(spec).build();
    try {
      return call(() -> migrations(PLANNING).createMigration(request).getMigration());
    } catch (UnreachableException first) {
      if (RemoteCalls.wasNeverSent(first.getCause())) {
        throw first;
      }
      try {
        return call(
            () -> migrations(patience).withWaitForReady().createMigration(request).getMigration());
      } catch (UnreachableException second) {
        throw new UnreachableException(
            "lost contact with the coordinator at %s while starting the migration, and it is not known whether it was started. "
                    .formatted(address)
                + "When the coordinator is back, 'longshore list --active' says so, or repeat the command with --request-id "
                + requestId,
            second);
      }
    }
  }

  Migration get(String id) {
    return get(migrations(SHORT), id);
  }

  Migration cancel(String id) {
    CancelMigrationRequest request = CancelMigrationRequest.newBuilder().setMigrationId(id).build();
    return call(() -> migrations(SHORT).cancelMigration(request).getMigration());
  }

  Migration update(String id, long maxBandwidth) {
    UpdateMigrationRequest request =
        UpdateMigrationRequest.newBuilder()
            .setMigrationId(id)
            .setMaxBandwidth(maxBandwidth)
            .build();
    return call(() -> migrations(SHORT).updateMigration(request).getMigration());
  }

  ResolveMigrationResponse resolve(ResolveMigrationRequest request) {
    return call(() -> migrations(SHORT).resolveMigration(request));
  }

  ListMigrationsResponse list(boolean onlyActive, boolean selfTests) {
    ListMigrationsResponse.Builder all = ListMigrationsResponse.newBuilder();
    String token = "";
    do {
      ListMigrationsRequest request =
          ListMigrationsRequest.newBuilder()
              .setPageSize(500)
              .setPageToken(token)
              .setOnlyActive(onlyActive)
              .setIncludeSelfTests(selfTests)
              .build();
      ListMigrationsResponse page = call(() -> migrations(SHORT).listMigrations(request));
      all.addAllMigrations(page.getMigrationsList());
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    return all.build();
  }

  ListNodesResponse nodes() {
    return call(
        () ->
            NodeServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(SHORT)
                .listNodes(ListNodesRequest.getDefaultInstance()));
  }

  Node node(String name) {
    GetNodeRequest request = GetNodeRequest.newBuilder().setName(name).build();
    return call(
        () ->
            NodeServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(SHORT)
                .getNode(request)
                .getNode());
  }

  /** The workloads of a node that its runtimes keep a list of. */
  ListWorkloadsResponse workloads(String node) {
    ListWorkloadsRequest request = ListWorkloadsRequest.newBuilder().setNode(node).build();
    return call(
        () ->
            NodeServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(PLANNING)
                .listWorkloads(request));
  }

  /** Tests a node and waits for the outcome. */
  Node test(String name) {
    TestNodeRequest request = TestNodeRequest.newBuilder().setName(name).build();
    return call(
        () ->
            NodeServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(PLANNING)
                .testNode(request)
                .getNode());
  }

  /**
   * Follows a migration until it is done and returns it. A broken connection is waited for, 30 s
   * each time.
   *
   * @param snapshots gets every snapshot, the last included, on the calling thread
   */
  Migration follow(String id, Consumer<Migration> snapshots) {
    WatchMigrationRequest request = WatchMigrationRequest.newBuilder().setMigrationId(id).build();
    MigrationServiceBlockingStub stub =
        trace.traced(() -> MigrationServiceGrpc.newBlockingStub(channel));
    while (true) {
      try {
        Iterator<WatchMigrationResponse> answers = stub.watchMigration(request);
        while (answers.hasNext()) {
          Migration migration = answers.next().getMigration();
          snapshots.accept(migration);
          if (migration.getDone()) {
            return migration;
          }
        }
      } catch (StatusRuntimeException e) {
        // A coordinator that is stopped cancels the calls that it has open.
        if (!isUnreachable(e) && !isCancelled(e)) {
          throw RemoteCalls.failure(name(), e);
        }
      }
      Migration migration = get(migrations(patience).withWaitForReady(), id);
      if (migration.getDone()) {
        snapshots.accept(migration);
        return migration;
      }
    }
  }

  /** The address, for messages. */
  HostPort address() {
    return address;
  }

  @Override
  public void close() {
    channel.shutdownNow();
    trace.close();
  }

  private Migration get(MigrationServiceBlockingStub stub, String id) {
    GetMigrationRequest request = GetMigrationRequest.newBuilder().setMigrationId(id).build();
    return call(() -> stub.getMigration(request).getMigration());
  }

  private MigrationServiceBlockingStub migrations(Duration deadline) {
    return MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(deadline);
  }

  private <T> T call(Supplier<T> call) {
    try {
      return trace.traced(call);
    } catch (StatusRuntimeException e) {
      LongshoreException failure = RemoteCalls.failure(name(), e);
      if (isUnreachable(e)) {
        throw new UnreachableException(
            String.valueOf(failure.getMessage()).replaceFirst("^C", "c")
                + ". Is it running? --coordinator or LONGSHORE_COORDINATOR says where it is",
            e);
      }
      throw failure;
    }
  }

  private static boolean isUnreachable(StatusRuntimeException e) {
    return !StatusMapper.hasReason(e)
        && StatusMapper.fromStatus(e).reason() == Reason.AGENT_UNREACHABLE;
  }

  private static boolean isCancelled(StatusRuntimeException e) {
    return !StatusMapper.hasReason(e) && e.getStatus().getCode() == Status.Code.CANCELLED;
  }

  private String name() {
    return "the coordinator at " + address;
  }
}
