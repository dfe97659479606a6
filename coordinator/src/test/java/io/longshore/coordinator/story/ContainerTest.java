package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.StatusRuntimeException;
import io.longshore.agent.v1.ContainerFacts;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.StatusMapper;
import io.longshore.v1.ContainerPolicy;
import io.longshore.v1.ContainerWorkload;
import io.longshore.v1.ListWorkloadsRequest;
import io.longshore.v1.ListWorkloadsResponse;
import io.longshore.v1.ListedWorkload;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationPlan;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.MountPolicy;
import io.longshore.v1.MountTreatment;
import io.longshore.v1.Obstacle;
import io.longshore.v1.PlanMigrationRequest;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Strategy;
import io.longshore.v1.TcpConnections;
import io.longshore.v1.Workload;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the coordinator has to do with containers. */
final class ContainerTest {
  private static final ContainerPolicy POLICY =
      ContainerPolicy.newBuilder()
          .setBundle("/srv/web")
          .setRuntimeRoot("/run/other")
          .setCgroupParent("/moved")
          .addMounts(mount("/data", MountTreatment.MOUNT_TREATMENT_SHARED))
          .addMounts(mount("/tmp/a b", MountTreatment.MOUNT_TREATMENT_SKIP))
          .setTcpConnections(TcpConnections.TCP_CONNECTIONS_CLOSE)
          .build();

  @TempDir Path folder;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(folder);
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  @Test
  void isRefusedWhereItsRuntimeIsMissing() {
    MigrationPlan plan = plan(spec());

    assertThat(plan.getObstaclesList())
        .extracting(Obstacle::getReason)
        .containsOnly(Reason.RUNTIME_MISSING.name());
    assertThat(plan.getObstaclesList())
        .extracting(Obstacle::getMessage)
        .containsExactly(
            "node 'a' does not have the runtime 'runc'; it has process",
            "node 'b' does not have the runtime 'runc'; it has process");
    assertThat(plan.getObstacles(0).getRemedy()).contains("Install the runtime there");
    assertThat(cluster.source.inspected).as("a source that would not know it").isEmpty();
    assertThat(refusal(spec())).isEqualTo(Reason.RUNTIME_MISSING);
  }

  @Test
  void itsFactsAndItsPolicyGoToTheAgents() {
    withRunc();
    cluster.source.container =
        ContainerFacts.newBuilder().setRuntime("runc").setId("web-1").build();

    Migration created = cluster.create(UUID.randomUUID().toString(), spec());
    Migration done = cluster.awaitDone(created.getId());

    assertThat(done.getState()).isEqualTo(Migration.State.STATE_SUCCEEDED);
    assertThat(done.getSpec().getWorkload()).isEqualTo(container("web-1", "runc"));
    assertThat(done.getSpec().getContainer()).isEqualTo(POLICY);
    assertThat(cluster.source.inspected)
        .allSatisfy(
            asked -> {
              assertThat(asked.getWorkload()).isEqualTo(container("web-1", "runc"));
              assertThat(asked.getContainer()).isEqualTo(POLICY);
            })
        .isNotEmpty();
    assertThat(cluster.source.prepared.getFirst().getContainer()).isEqualTo(POLICY);
    assertThat(cluster.target.checked.getFirst().getFacts().getContainer())
        .isEqualTo(cluster.source.container);
    assertThat(cluster.target.prepared.getFirst().getFacts().getContainer())
        .isEqualTo(cluster.source.container);
  }

  @Test
  void isShownAsItWasAskedForAfterARestart() throws Exception {
    withRunc();
    Migration created = cluster.create(UUID.randomUUID().toString(), spec());
    Migration done = cluster.awaitDone(created.getId());
    cluster.stopCoordinator();
    cluster.startCoordinator();

    assertThat(cluster.get(created.getId()).getSpec()).isEqualTo(done.getSpec());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "..", "a/b", "a b", "a\u0000", "-a"})
  void refusesAnIdThatCannotBe(String id) {
    assertThat(refusal(spec().toBuilder().setWorkload(container(id, "runc")).build()))
        .isEqualTo(Reason.INVALID_ARGUMENT);
  }

  @Test
  void refusesAPolicyThatCannotBe() {
    assertThat(refusal(with(POLICY.toBuilder().setBundle("srv/web"))))
        .isEqualTo(Reason.INVALID_ARGUMENT);
    assertThat(refusal(with(POLICY.toBuilder().setCgroupParent("/a\nb"))))
        .isEqualTo(Reason.INVALID_ARGUMENT);
    assertThat(
            refusal(
                with(
                    POLICY.toBuilder()
                        .addMounts(mount("/data", MountTreatment.MOUNT_TREATMENT_SYNC)))))
        .as("twice")
        .isEqualTo(Reason.INVALID_ARGUMENT);
    assertThat(
            refusal(
                with(
                    POLICY.toBuilder()
                        .addMounts(mount("/x", MountTreatment.MOUNT_TREATMENT_UNSPECIFIED)))))
        .isEqualTo(Reason.INVALID_ARGUMENT);
    assertThat(refusal(spec().toBuilder().setWorkload(container("web-1", "process")).build()))
        .isEqualTo(Reason.INVALID_ARGUMENT);
    assertThat(
            refusal(
                spec().toBuilder()
                    .setWorkload(
                        Workload.newBuilder().setProcess(ProcessWorkload.newBuilder().setPid(4711)))
                    .build()))
        .as("a policy for a process")
        .isEqualTo(Reason.INVALID_ARGUMENT);
  }

  @Test
  void listsWhatTheSourceAgentOfANodeSays() {
    ListedWorkload second =
        ListedWorkload.newBuilder()
            .setWorkload(container("web-2", "runc"))
            .setState("paused")
            .setPid(77)
            .addObstacles(
                Obstacle.newBuilder()
                    .setReason("WORKLOAD_PAUSED")
                    .setMessage("it is paused")
                    .setRemedy("resume it"))
            .build();
    ListedWorkload first =
        ListedWorkload.newBuilder()
            .setWorkload(container("web-1", "runc"))
            .setState("running")
            .setPid(42)
            .build();
    cluster.source.listed.addAll(List.of(second, first));

    assertThat(list("a"))
        .isEqualTo(
            ListWorkloadsResponse.newBuilder()
                .setNode("a")
                .addWorkloads(first)
                .addWorkloads(second)
                .build());
  }

  @Test
  void aNodeWithoutContainersHasAnEmptyList() {
    assertThat(list("a").getWorkloadsList()).isEmpty();
  }

  @Test
  void aNodeWhoseSourceAgentIsNotHeardHasNoList() {
    assertThat(
            StatusMapper.fromStatus(
                    catchThrowableOfType(StatusRuntimeException.class, () -> list("b")))
                .reason())
        .isEqualTo(Reason.NODE_UNAVAILABLE);
    assertThat(
            StatusMapper.fromStatus(
                    catchThrowableOfType(StatusRuntimeException.class, () -> list("c")))
                .reason())
        .isEqualTo(Reason.NOT_FOUND);
  }

  private void withRunc() {
    cluster.runtimes = List.of("process", "runc");
    cluster.heartbeats();
  }

  private ListWorkloadsResponse list(String node) {
    return cluster.nodes().listWorkloads(ListWorkloadsRequest.newBuilder().setNode(node).build());
  }

  private MigrationPlan plan(MigrationSpec spec) {
    return cluster
        .migrations()
        .planMigration(PlanMigrationRequest.newBuilder().setSpec(spec).build())
        .getPlan();
  }

  private Reason refusal(MigrationSpec spec) {
    return StatusMapper.fromStatus(
            catchThrowableOfType(
                StatusRuntimeException.class,
                () -> cluster.create(UUID.randomUUID().toString(), spec)))
        .reason();
  }

  private static MigrationSpec spec() {
    return Cluster.spec(Strategy.STRATEGY_POST_COPY).toBuilder()
        .setWorkload(container("web-1", ""))
        .setContainer(POLICY)
        .build();
  }

  private static MigrationSpec with(ContainerPolicy.Builder policy) {
    return spec().toBuilder().setContainer(policy).build();
  }

  private static Workload container(String id, String runtime) {
    return Workload.newBuilder()
        .setContainer(ContainerWorkload.newBuilder().setId(id).setRuntime(runtime))
        .build();
  }

  private static MountPolicy mount(String destination, MountTreatment treatment) {
    return MountPolicy.newBuilder().setDestination(destination).setTreatment(treatment).build();
  }
}
