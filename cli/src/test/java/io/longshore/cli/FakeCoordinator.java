package io.longshore.cli;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.telemetry.TraceParent;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.v1.CancelMigrationRequest;
import io.longshore.v1.CancelMigrationResponse;
import io.longshore.v1.CreateMigrationRequest;
import io.longshore.v1.CreateMigrationResponse;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.GetMigrationResponse;
import io.longshore.v1.GetNodeRequest;
import io.longshore.v1.GetNodeResponse;
import io.longshore.v1.ListMigrationsRequest;
import io.longshore.v1.ListMigrationsResponse;
import io.longshore.v1.ListNodesRequest;
import io.longshore.v1.ListNodesResponse;
import io.longshore.v1.ListWorkloadsRequest;
import io.longshore.v1.ListWorkloadsResponse;
import io.longshore.v1.ListedWorkload;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationPlan;
import io.longshore.v1.MigrationServiceGrpc;
import io.longshore.v1.Node;
import io.longshore.v1.NodeServiceGrpc;
import io.longshore.v1.PlanMigrationRequest;
import io.longshore.v1.PlanMigrationResponse;
import io.longshore.v1.ResolveMigrationRequest;
import io.longshore.v1.ResolveMigrationResponse;
import io.longshore.v1.TestNodeRequest;
import io.longshore.v1.TestNodeResponse;
import io.longshore.v1.UpdateMigrationRequest;
import io.longshore.v1.UpdateMigrationResponse;
import io.longshore.v1.WatchMigrationRequest;
import io.longshore.v1.WatchMigrationResponse;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.ContextPropagators;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A coordinator on a real port that plays what a test tells it. Its fields are set before calls
 * come; what it was asked is recorded.
 */
final class FakeCoordinator implements AutoCloseable {
  /** Creates, gets, cancels answer with this one, its id what was asked for. */
  Migration migration = Migration.getDefaultInstance();

  MigrationPlan plan = MigrationPlan.getDefaultInstance();
  List<Node> nodes = List.of();

  /** By node. */
  final Map<String, List<ListedWorkload>> workloads = new ConcurrentHashMap<>();

  volatile Node tested = Node.getDefaultInstance();
  List<Migration> migrations = List.of();

  /** One script for each watch that comes; a watch without a script stays open. */
  final Deque<List<Migration>> watches = new ArrayDeque<>();

  /** Thrown by create, plan, cancel, one after the other, before anything is answered. */
  final Deque<RuntimeException> failures = new ArrayDeque<>();

  final List<CreateMigrationRequest> created = new CopyOnWriteArrayList<>();
  final List<ResolveMigrationRequest> resolved = new CopyOnWriteArrayList<>();
  final List<String> traceParents = new CopyOnWriteArrayList<>();
  final List<ListMigrationsRequest> lists = new CopyOnWriteArrayList<>();
  final CountDownLatch watched = new CountDownLatch(1);

  private final GrpcServer server =
      GrpcServer.builder(
              "fake-coordinator", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .add(new Migrations())
          .add(new Nodes())
          .telemetry(
              io.opentelemetry.api.OpenTelemetry.propagating(
                  ContextPropagators.create(W3CTraceContextPropagator.getInstance())))
          .patience(Duration.ofMillis(100))
          .build();

  FakeCoordinator start() throws Exception {
    server.start();
    return this;
  }

  HostPort address() {
    return server.address();
  }

  @Override
  public void close() {
    try {
      server.stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void failIfTold() {
    RuntimeException failure = failures.poll();
    if (failure != null) {
      throw failure;
    }
  }

  /** As if the connection broke. */
  static final class Broken extends RuntimeException {}

  private static <T> void answer(StreamObserver<T> observer, T message) {
    observer.onNext(message);
    observer.onCompleted();
  }

  private Migration named(String id) {
    return Stream.concat(migrations.stream(), Stream.of(migration))
        .filter(candidate -> candidate.getId().equals(id))
        .findFirst()
        .orElseThrow(() -> new LongshoreException(Reason.NOT_FOUND, "There is no migration " + id));
  }

  private final class Migrations extends MigrationServiceGrpc.MigrationServiceImplBase {
    @Override
    public void planMigration(
        PlanMigrationRequest request, StreamObserver<PlanMigrationResponse> observer) {
      failIfTold();
      answer(
          observer,
          PlanMigrationResponse.newBuilder()
              .setPlan(plan.toBuilder().mergeSpec(request.getSpec()))
              .build());
    }

    @Override
    public void createMigration(
        CreateMigrationRequest request, StreamObserver<CreateMigrationResponse> observer) {
      created.add(request);
      traceParents.add(TraceParent.of(Context.current()));
      if (failures.peek() instanceof Broken) {
        failures.remove();
        // Not thrown: errors that pass the server's interceptor from within get a reason.
        observer.onError(Status.UNAVAILABLE.withDescription("broken").asRuntimeException());
        return;
      }
      failIfTold();
      answer(
          observer,
          CreateMigrationResponse.newBuilder()
              .setMigration(
                  migration.toBuilder()
                      .setSpec(request.getSpec())
                      .setRequestId(request.getRequestId()))
              .build());
    }

    @Override
    public void getMigration(
        GetMigrationRequest request, StreamObserver<GetMigrationResponse> observer) {
      answer(
          observer,
          GetMigrationResponse.newBuilder().setMigration(named(request.getMigrationId())).build());
    }

    @Override
    public void listMigrations(
        ListMigrationsRequest request, StreamObserver<ListMigrationsResponse> observer) {
      lists.add(request);
      int from = request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
      Predicate<Migration> wanted = m -> !request.getOnlyActive() || !m.getDone();
      List<Migration> all = new ArrayList<>(migrations.stream().filter(wanted).toList());
      ListMigrationsResponse.Builder page = ListMigrationsResponse.newBuilder();
      // Pages of two, whatever was asked for: a caller must go by the token.
      page.addAllMigrations(all.subList(from, Math.min(from + 2, all.size())));
      if (from + 2 < all.size()) {
        page.setNextPageToken(Integer.toString(from + 2));
      }
      answer(observer, page.build());
    }

    @Override
    public void watchMigration(
        WatchMigrationRequest request, StreamObserver<WatchMigrationResponse> observer) {
      List<Migration> script = watches.poll();
      if (script == null) {
        ((ServerCallStreamObserver<WatchMigrationResponse>) observer).setOnCancelHandler(() -> {});
        observer.onNext(WatchMigrationResponse.newBuilder().setMigration(migration).build());
        watched.countDown();
        return;
      }
      for (Migration snapshot : script) {
        observer.onNext(WatchMigrationResponse.newBuilder().setMigration(snapshot).build());
      }
      failIfTold();
      observer.onCompleted();
    }

    @Override
    public void cancelMigration(
        CancelMigrationRequest request, StreamObserver<CancelMigrationResponse> observer) {
      failIfTold();
      answer(
          observer,
          CancelMigrationResponse.newBuilder()
              .setMigration(named(request.getMigrationId()))
              .build());
    }

    @Override
    public void updateMigration(
        UpdateMigrationRequest request, StreamObserver<UpdateMigrationResponse> observer) {
      failIfTold();
      answer(
          observer,
          UpdateMigrationResponse.newBuilder()
              .setMigration(
                  named(request.getMigrationId()).toBuilder()
                      .setMaxBandwidth(request.getMaxBandwidth()))
              .build());
    }

    @Override
    public void resolveMigration(
        ResolveMigrationRequest request, StreamObserver<ResolveMigrationResponse> observer) {
      resolved.add(request);
      failIfTold();
      answer(
          observer,
          ResolveMigrationResponse.newBuilder()
              .setMigration(named(request.getMigrationId()))
              .setConsequence("The workload loses what it did.")
              .build());
    }
  }

  private final class Nodes extends NodeServiceGrpc.NodeServiceImplBase {
    @Override
    public void listNodes(ListNodesRequest request, StreamObserver<ListNodesResponse> observer) {
      answer(observer, ListNodesResponse.newBuilder().addAllNodes(nodes).build());
    }

    @Override
    public void getNode(GetNodeRequest request, StreamObserver<GetNodeResponse> observer) {
      Node found =
          nodes.stream()
              .filter(node -> node.getName().equals(request.getName()))
              .findFirst()
              .orElseThrow(
                  () ->
                      new LongshoreException(
                          Reason.NOT_FOUND, "There is no node " + request.getName()));
      answer(observer, GetNodeResponse.newBuilder().setNode(found).build());
    }

    @Override
    public void listWorkloads(
        ListWorkloadsRequest request, StreamObserver<ListWorkloadsResponse> observer) {
      answer(
          observer,
          ListWorkloadsResponse.newBuilder()
              .setNode(request.getNode())
              .addAllWorkloads(workloads.getOrDefault(request.getNode(), List.of()))
              .build());
    }

    @Override
    public void testNode(TestNodeRequest request, StreamObserver<TestNodeResponse> observer) {
      answer(observer, TestNodeResponse.newBuilder().setNode(tested).build());
    }
  }
}
