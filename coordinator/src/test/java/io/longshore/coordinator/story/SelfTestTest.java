package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.agent.v1.AgentRole;
import io.longshore.platform.error.Reason;
import io.longshore.v1.GetNodeRequest;
import io.longshore.v1.ListMigrationsRequest;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.Node;
import io.longshore.v1.PlanMigrationRequest;
import io.longshore.v1.SelfTest;
import io.longshore.v1.SelfTestWorkload;
import io.longshore.v1.Strategy;
import io.longshore.v1.TestNodeRequest;
import io.longshore.v1.Workload;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A node is tested before it is used. Node c has both agents. */
@Timeout(60)
final class SelfTestTest {
  @TempDir Path folder;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(folder, OpenTelemetry.noop(), true);
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
    assertThat(cluster.canaries.alive).isEmpty();
  }

  private void heardFrom(String sourceInstance, String targetInstance) {
    cluster.heartbeat(
        "c", AgentRole.AGENT_ROLE_SOURCE, cluster.sourceAddress(), true, sourceInstance);
    cluster.heartbeat(
        "c", AgentRole.AGENT_ROLE_TARGET, cluster.targetAddress(), true, targetInstance);
  }

  private Node node() {
    return cluster.nodes().getNode(GetNodeRequest.newBuilder().setName("c").build()).getNode();
  }

  private Node awaitState(Node.State state) {
    Awaitility.await()
        .pollInterval(Duration.ofMillis(5))
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(node().getState()).isEqualTo(state));
    return node();
  }

  private List<Migration> list(boolean selfTests) {
    return cluster
        .migrations()
        .listMigrations(ListMigrationsRequest.newBuilder().setIncludeSelfTests(selfTests).build())
        .getMigrationsList();
  }

  private List<String> obstacles(MigrationSpec spec) {
    return cluster
        .migrations()
        .planMigration(PlanMigrationRequest.newBuilder().setSpec(spec).build())
        .getPlan()
        .getObstaclesList()
        .stream()
        .map(io.longshore.v1.Obstacle::getReason)
        .toList();
  }

  private static MigrationSpec fromC() {
    return Cluster.spec(Strategy.STRATEGY_POST_COPY).toBuilder().setSourceNode("c").build();
  }

  @Test
  void aNodeIsReadyWhenACanaryCameThrough() throws Exception {
    Script.Gate gate = cluster.script.hold("ResumeWorkload");
    heardFrom("s-1", "t-1");
    gate.awaitReached();
    assertThat(node().getState()).isEqualTo(Node.State.STATE_TESTING);
    assertThat(node().getSelfTest().getState()).isEqualTo(SelfTest.State.STATE_RUNNING);

    gate.open();

    SelfTest test = awaitState(Node.State.STATE_READY).getSelfTest();
    assertThat(test.getState()).isEqualTo(SelfTest.State.STATE_PASSED);
    assertThat(test.getRuns()).isEqualTo(Cluster.SELF_TEST_RUNS);
    assertThat(cluster.script.count("StartCanary")).isEqualTo(Cluster.SELF_TEST_RUNS);
    assertThat(cluster.script.count("ReleaseSource")).isEqualTo(Cluster.SELF_TEST_RUNS);
    assertThat(cluster.script.count("EndCanary")).isEqualTo(Cluster.SELF_TEST_RUNS);
    assertThat(cluster.source.prepared.getFirst().getWorkload().getSelfTest().getPid())
        .isEqualTo(FakeCanaries.PID);
    Migration last = cluster.get(test.getMigrationId());
    assertThat(last.getState()).isEqualTo(Migration.State.STATE_SUCCEEDED);
    assertThat(last.getSpec().getTargetNode()).isEqualTo("c");
  }

  @Test
  void aNodeWithOneAgentIsNotTested() {
    cluster.heartbeats();

    assertThat(cluster.script.count("StartCanary")).isZero();
    assertThat(obstacles(Cluster.spec(Strategy.STRATEGY_POST_COPY))).isEmpty();
  }

  @Test
  void aPlanWaitsForTheTest() throws Exception {
    Script.Gate gate = cluster.script.hold("FreezeWorkload");
    heardFrom("s-1", "t-1");
    gate.awaitReached();
    Thread.ofVirtual()
        .start(
            () -> {
              Awaitility.await().during(Duration.ofMillis(200)).until(() -> true);
              gate.open();
            });

    assertThat(obstacles(fromC())).isEmpty();

    assertThat(node().getState()).isEqualTo(Node.State.STATE_READY);
  }

  @Test
  void whatFailsOnTheWayIsShownAndStandsInTheWay() {
    cluster.script.fail("RestoreWorkload", 1, Reason.CRIU_RESTORE_FAILED);
    heardFrom("s-1", "t-1");

    SelfTest test = awaitState(Node.State.STATE_UNFIT).getSelfTest();
    assertThat(test.getState()).isEqualTo(SelfTest.State.STATE_FAILED);
    assertThat(test.getReason()).isEqualTo("CRIU_RESTORE_FAILED");
    assertThat(test.getMessage()).contains("fails by script");
    assertThat(test.getRuns()).isEqualTo(1);
    assertThat(cluster.world.rolledBack).isTrue();
    assertThat(obstacles(fromC())).containsExactly("SELF_TEST_FAILED");
    assertThat(obstacles(fromC().toBuilder().setSourceNode("a").setTargetNode("c").build()))
        .containsExactly("SELF_TEST_FAILED");
  }

  @Test
  void aCanaryThatFindsItsMemoryWrongFailsTheTest() {
    cluster.script.fail("EndCanary", 1, Reason.WORKLOAD_LOST);
    heardFrom("s-1", "t-1");

    assertThat(awaitState(Node.State.STATE_UNFIT).getSelfTest().getReason())
        .isEqualTo("WORKLOAD_LOST");
  }

  @Test
  void aCanaryThatCannotBeStartedFailsTheTest() {
    cluster.script.fail("StartCanary", 1, Reason.SELF_TEST_FAILED);
    heardFrom("s-1", "t-1");

    assertThat(awaitState(Node.State.STATE_UNFIT).getSelfTest().getReason())
        .isEqualTo("SELF_TEST_FAILED");
    assertThat(list(true)).isEmpty();
  }

  @Test
  void isTestedAgainOnRequest() {
    cluster.target.obstacles.add(
        io.longshore.v1.Obstacle.newBuilder().setReason("NOT_ENOUGH_MEMORY").build());
    heardFrom("s-1", "t-1");
    awaitState(Node.State.STATE_UNFIT);
    cluster.target.obstacles.clear();

    Node tested =
        cluster.nodes().testNode(TestNodeRequest.newBuilder().setName("c").build()).getNode();

    assertThat(tested.getState()).isEqualTo(Node.State.STATE_READY);
    assertThat(tested.getSelfTest().getState()).isEqualTo(SelfTest.State.STATE_PASSED);
  }

  @Test
  void aNodeThatCannotBeTestedSaysWhy() {
    assertThatThrownBy(
            () -> cluster.nodes().testNode(TestNodeRequest.newBuilder().setName("a").build()))
        .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("NODE_UNAVAILABLE"));
    assertThatThrownBy(
            () -> cluster.nodes().testNode(TestNodeRequest.newBuilder().setName("x").build()))
        .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("NOT_FOUND"));
  }

  @Test
  void isTestedAgainWhenAnAgentWasStartedAgainAndNotBefore() {
    heardFrom("s-1", "t-1");
    awaitState(Node.State.STATE_READY);
    heardFrom("s-1", "t-1");
    assertThat(node().getState()).isEqualTo(Node.State.STATE_READY);

    heardFrom("s-1", "t-2");

    Awaitility.await()
        .untilAsserted(
            () ->
                assertThat(cluster.script.count("EndCanary"))
                    .isEqualTo(2L * Cluster.SELF_TEST_RUNS));
    awaitState(Node.State.STATE_READY);
  }

  @Test
  void anAgentThatIsBackIsTestedThoughItCouldNotBeReachedJustNow() throws Exception {
    heardFrom("s-1", "t-1");
    awaitState(Node.State.STATE_READY);
    Cluster.Restart back = cluster.stopSource();
    // More than one try, so that the next one is far away.
    for (int i = 0; i < 3; i++) {
      assertThat(obstacles(fromC())).containsExactly("AGENT_UNREACHABLE");
    }
    back.run();

    heardFrom("s-2", "t-1");

    awaitState(Node.State.STATE_READY);
    assertThat(cluster.script.count("EndCanary")).isEqualTo(2L * Cluster.SELF_TEST_RUNS);
  }

  @Test
  void selfTestsAreListedOnlyWhenAskedForAndOnlyTheLastOnes() {
    heardFrom("s-1", "t-1");
    awaitState(Node.State.STATE_READY);
    heardFrom("s-2", "t-1");
    Awaitility.await()
        .until(() -> cluster.script.count("EndCanary") == 2L * Cluster.SELF_TEST_RUNS);
    awaitState(Node.State.STATE_READY);
    Migration other = cluster.create(Strategy.STRATEGY_POST_COPY);

    assertThat(list(false)).extracting(Migration::getId).containsExactly(other.getId());
    assertThat(list(true)).hasSize(1 + Cluster.SELF_TEST_RUNS);
    var _ = cluster.awaitDone(other.getId());
  }

  @Test
  void nobodyElseMovesACanary() {
    MigrationSpec spec =
        fromC().toBuilder()
            .setTargetNode("c")
            .setWorkload(
                Workload.newBuilder()
                    .setSelfTest(SelfTestWorkload.newBuilder().setPid(FakeCanaries.PID)))
            .build();

    assertThatThrownBy(() -> obstacles(spec))
        .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("INVALID_ARGUMENT"));
  }
}
