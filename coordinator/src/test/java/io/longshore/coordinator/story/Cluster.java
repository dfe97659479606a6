package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.longshore.agent.v1.AgentRole;
import io.longshore.agent.v1.HeartbeatRequest;
import io.longshore.agent.v1.NodeRegistryServiceGrpc;
import io.longshore.coordinator.app.Coordinator;
import io.longshore.coordinator.app.CoordinatorConfig;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.tls.TlsConfig;
import io.longshore.platform.value.HostPort;
import io.longshore.v1.CreateMigrationRequest;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.MigrationServiceGrpc;
import io.longshore.v1.MigrationServiceGrpc.MigrationServiceBlockingStub;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.NodeCapabilities;
import io.longshore.v1.NodeServiceGrpc;
import io.longshore.v1.NodeServiceGrpc.NodeServiceBlockingStub;
import io.longshore.v1.OnNoConvergence;
import io.longshore.v1.Policy;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Strategy;
import io.longshore.v1.WatchMigrationRequest;
import io.longshore.v1.WatchMigrationResponse;
import io.longshore.v1.Workload;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** A coordinator, node a with a fake source-agent and node b with a fake target-agent. */
final class Cluster {
  static final HostPort ANYWHERE = new HostPort("127.0.0.1", 0);

  /** Long: only a test that advances the clock shall see it, however slow the machine is. */
  static final Duration HEARTBEAT_TIMEOUT = Duration.ofHours(1);

  static final Duration PATIENCE = Duration.ofSeconds(3);

  static final int SELF_TEST_RUNS = 2;

  final Script script = new Script();
  final World world = new World();
  final FakeSource source = new FakeSource(script, world);
  final FakeTarget target = new FakeTarget(script, world);
  final FakeCanaries canaries = new FakeCanaries(script);
  final TestClock clock = new TestClock();

  /** What both nodes say they have, from their next heartbeat on. */
  volatile List<String> runtimes = List.of("process");

  private final OpenTelemetry telemetry;
  private final GrpcChannels channels;
  private final CoordinatorConfig config;
  private GrpcServer sourceServer;
  private GrpcServer targetServer;
  private Coordinator coordinator;
  private ManagedChannel channel;

  /** Real time, and as much more as a test says. */
  static final class TestClock implements InstantSource {
    private volatile Duration ahead = Duration.ZERO;

    @Override
    public Instant instant() {
      return Instant.now().plus(ahead);
    }

    void advance(Duration by) {
      ahead = ahead.plus(by);
    }
  }

  Cluster(Path folder) throws Exception {
    this(folder, OpenTelemetry.noop());
  }

  Cluster(Path folder, OpenTelemetry telemetry) throws Exception {
    this(folder, telemetry, false);
  }

  Cluster(Path folder, OpenTelemetry telemetry, boolean selfTest) throws Exception {
    this.telemetry = telemetry;
    this.channels = new GrpcChannels(telemetry, new PlaintextOnLoopback());
    this.config =
        new CoordinatorConfig(
            ANYWHERE,
            folder.resolve("coordinator.db"),
            Duration.ofMillis(200),
            HEARTBEAT_TIMEOUT,
            Duration.ofSeconds(10),
            selfTest,
            SELF_TEST_RUNS,
            new CoordinatorConfig.Retry(PATIENCE, Duration.ofMillis(10), Duration.ofMillis(50)),
            new TlsConfig(Optional.empty(), Duration.ofSeconds(10), true));
    this.sourceServer = serveSource(ANYWHERE);
    this.targetServer = serveTarget(ANYWHERE);
    startCoordinator();
    heartbeats();
  }

  private GrpcServer serveSource(HostPort where) throws Exception {
    GrpcServer server =
        GrpcServer.builder("source-agent", where, new PlaintextOnLoopback())
            .telemetry(telemetry)
            .add(source)
            .add(canaries)
            .build();
    server.start();
    return server;
  }

  private GrpcServer serveTarget(HostPort where) throws Exception {
    GrpcServer server =
        GrpcServer.builder("target-agent", where, new PlaintextOnLoopback())
            .telemetry(telemetry)
            .add(target)
            .build();
    server.start();
    return server;
  }

  void startCoordinator() throws Exception {
    coordinator = new Coordinator(config, clock, telemetry, new PlaintextOnLoopback(), channels);
    coordinator.start();
    channel = channels.open(Destination.coordinator(coordinator.address()), "test");
  }

  void stopCoordinator() throws Exception {
    GrpcChannels.close(channel, Duration.ofSeconds(1));
    coordinator.stop();
  }

  /**
   * The target-agent is gone until the returned action is run: then it is back, at the same place.
   */
  Restart stopTarget() throws Exception {
    HostPort where = targetServer.address();
    targetServer.stop();
    return () -> targetServer = serveTarget(where);
  }

  /** The source-agent, likewise. */
  Restart stopSource() throws Exception {
    HostPort where = sourceServer.address();
    sourceServer.stop();
    return () -> sourceServer = serveSource(where);
  }

  interface Restart {
    void run() throws Exception;
  }

  void heartbeats() {
    heartbeat("a", AgentRole.AGENT_ROLE_SOURCE, sourceServer.address(), true);
    heartbeat("b", AgentRole.AGENT_ROLE_TARGET, targetServer.address(), true);
  }

  void heartbeat(String node, AgentRole role, HostPort endpoint, boolean lazy) {
    heartbeat(node, role, endpoint, lazy, "first");
  }

  void heartbeat(String node, AgentRole role, HostPort endpoint, boolean lazy, String instance) {
    var _ =
        NodeRegistryServiceGrpc.newBlockingStub(channel)
            .heartbeat(
                HeartbeatRequest.newBuilder()
                    .setNode(node)
                    .setRole(role)
                    .setEndpoint(endpoint.toString())
                    .setVersion("0.1.0")
                    .setInstance(instance)
                    .setCapabilities(
                        NodeCapabilities.newBuilder()
                            .setArchitecture("x86_64")
                            .addCpuFeatures("avx2")
                            .setKernelRelease("6.18.0")
                            .setCriuVersion("4.1.1")
                            .setLazyRestore(lazy)
                            .addAllRuntimes(runtimes)
                            .setAvailableMemoryBytes(1L << 30)
                            .setTotalMemoryBytes(1L << 32))
                    .build());
  }

  HostPort sourceAddress() {
    return sourceServer.address();
  }

  HostPort targetAddress() {
    return targetServer.address();
  }

  HostPort address() {
    return coordinator.address();
  }

  MigrationServiceBlockingStub migrations() {
    return MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  MigrationServiceGrpc.MigrationServiceStub asynchronously() {
    return MigrationServiceGrpc.newStub(channel);
  }

  NodeServiceBlockingStub nodes() {
    return NodeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  static MigrationSpec spec(Strategy strategy) {
    return MigrationSpec.newBuilder()
        .setSourceNode("a")
        .setTargetNode("b")
        .setWorkload(Workload.newBuilder().setProcess(ProcessWorkload.newBuilder().setPid(4711)))
        .setStrategy(strategy)
        .addServiceAddresses("10.77.0.100/24")
        .build();
  }

  static MigrationSpec spec(Strategy strategy, OnNoConvergence then) {
    return spec(strategy).toBuilder()
        .setPolicy(Policy.newBuilder().setOnNoConvergence(then))
        .build();
  }

  Migration create(Strategy strategy) {
    return create(UUID.randomUUID().toString(), spec(strategy));
  }

  Migration create(String requestId, MigrationSpec spec) {
    return migrations()
        .createMigration(
            CreateMigrationRequest.newBuilder().setRequestId(requestId).setSpec(spec).build())
        .getMigration();
  }

  Migration get(String id) {
    return migrations()
        .getMigration(GetMigrationRequest.newBuilder().setMigrationId(id).build())
        .getMigration();
  }

  /** Watches until the migration is done. */
  Migration awaitDone(String id) {
    List<Migration> seen = new ArrayList<>();
    Iterator<WatchMigrationResponse> watch =
        migrations().watchMigration(WatchMigrationRequest.newBuilder().setMigrationId(id).build());
    while (watch.hasNext()) {
      seen.add(watch.next().getMigration());
    }
    assertThat(seen).extracting(Migration::getRevision).isSorted().doesNotHaveDuplicates();
    return seen.getLast();
  }

  void awaitState(String id, State state) {
    Awaitility.await()
        .pollInterval(Duration.ofMillis(5))
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(get(id).getState()).isEqualTo(state));
  }

  void close() throws Exception {
    script.openAll();
    stopCoordinator();
    sourceServer.stop();
    targetServer.stop();
    assertThat(world.violations()).isEmpty();
  }
}
