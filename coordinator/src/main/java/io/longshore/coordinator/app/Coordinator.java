package io.longshore.coordinator.app;

import io.longshore.coordinator.agent.rpc.GrpcAgents;
import io.longshore.coordinator.migration.Migrations;
import io.longshore.coordinator.migration.StoredHistory;
import io.longshore.coordinator.migration.rpc.MigrationGrpcService;
import io.longshore.coordinator.migration.store.SqlMigrationStore;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.node.rpc.NodeGrpcService;
import io.longshore.coordinator.node.rpc.NodeRegistryGrpcService;
import io.longshore.coordinator.node.store.SqlNodeStore;
import io.longshore.coordinator.plan.Planner;
import io.longshore.coordinator.selftest.CanaryMigration;
import io.longshore.coordinator.selftest.SelfTests;
import io.longshore.coordinator.store.Database;
import io.longshore.platform.lifecycle.Component;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.tls.Credentials;
import io.longshore.platform.value.HostPort;
import io.opentelemetry.api.OpenTelemetry;
import java.time.InstantSource;

/**
 * A coordinator: opens its store when it is made, takes up migrations and serves when it is
 * started.
 */
public final class Coordinator implements Component {
  private final Database database;
  private final GrpcAgents agents;
  private final Migrations migrations;
  private final SelfTests selfTests;
  private final GrpcServer server;

  /**
   * @param clock its differences must be true durations
   */
  public Coordinator(
      CoordinatorConfig config,
      InstantSource clock,
      OpenTelemetry telemetry,
      Credentials credentials,
      GrpcChannels channels) {
    this.database = Database.open(config.store());
    NodeRegistry nodes =
        new NodeRegistry(
            new SqlNodeStore(database), clock, config.heartbeatTimeout(), config.selfTest());
    this.agents = new GrpcAgents(nodes, channels, config.agentCallTimeout());
    SqlMigrationStore store = new SqlMigrationStore(database);
    this.migrations =
        new Migrations(
            store,
            new Planner(nodes, agents, new StoredHistory(store)),
            agents,
            nodes,
            config.retry().policy(),
            clock,
            telemetry.getTracer("io.longshore.coordinator"));
    this.selfTests =
        new SelfTests(
            nodes,
            new CanaryMigration(agents, migrations, clock),
            migrations,
            config.selfTestRuns());
    nodes.onHeartbeat(selfTests::heard);
    this.server =
        GrpcServer.builder("coordinator", config.listen(), credentials)
            .telemetry(telemetry)
            .add(new MigrationGrpcService(migrations))
            .add(new NodeGrpcService(nodes, selfTests, agents))
            .add(new NodeRegistryGrpcService(nodes, config.heartbeatInterval()))
            .build();
  }

  /** Where it listens. */
  public HostPort address() {
    return server.address();
  }

  @Override
  public void start() throws Exception {
    // Before anybody can create a migration, which is not to be taken up twice.
    migrations.start();
    server.start();
  }

  @Override
  public void stop() throws Exception {
    try {
      server.stop();
    } finally {
      selfTests.stop();
      migrations.stop();
      agents.close();
      database.close();
    }
  }
}
