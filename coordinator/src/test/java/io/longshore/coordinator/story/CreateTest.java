package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.longshore.agent.v1.AgentRole;
import io.longshore.platform.error.Reason;
import io.longshore.v1.CreateMigrationRequest;
import io.longshore.v1.GetMigrationRequest;
import io.longshore.v1.ListMigrationsRequest;
import io.longshore.v1.ListMigrationsResponse;
import io.longshore.v1.Migration;
import io.longshore.v1.MigrationPlan;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.Obstacle;
import io.longshore.v1.OnNoConvergence;
import io.longshore.v1.PlanMigrationRequest;
import io.longshore.v1.Policy;
import io.longshore.v1.PostCopy;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Strategy;
import io.longshore.v1.WatchMigrationRequest;
import io.longshore.v1.Workload;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Plan, create, list, and what they refuse. */
final class CreateTest {
  private static final Obstacle TAKEN =
      Obstacle.newBuilder()
          .setReason("PID_TAKEN")
          .setMessage("pid 4711 is sshd on b")
          .setRemedy("end it")
          .build();
  private static final Obstacle MISSING =
      Obstacle.newBuilder()
          .setReason("FILE_MISSING")
          .setMessage("/usr/bin/redis-server is not on b")
          .setRemedy("install it")
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

  private MigrationPlan plan(MigrationSpec spec) {
    return cluster
        .migrations()
        .planMigration(PlanMigrationRequest.newBuilder().setSpec(spec).build())
        .getPlan();
  }

  private List<Migration> all() {
    return cluster
        .migrations()
        .listMigrations(ListMigrationsRequest.getDefaultInstance())
        .getMigrationsList();
  }

  @Nested
  final class APlan {
    @Test
    void showsTheWorkloadAndTheStrategyAndChangesNothing() {
      MigrationPlan plan = plan(Cluster.spec(Strategy.STRATEGY_UNSPECIFIED));

      assertThat(plan.getObstaclesList()).isEmpty();
      assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_POST_COPY);
      assertThat(plan.getStrategyReason()).contains("'b' can restore lazily");
      assertThat(plan.getWorkload().getCommand()).isEqualTo("redis-server");
      assertThat(plan.getWorkload().getProcesses()).isEqualTo(1);
      assertThat(plan.getWorkload().getThreads()).isEqualTo(2);
      assertThat(plan.getWorkload().getTcpConnections()).isEqualTo(1);
      assertThat(plan.getWorkload().getPrivateBytes()).isEqualTo(FakeSource.PAGES * 4096);
      assertThat(cluster.script.calls())
          .containsExactly("InspectWorkload", "CheckTarget", "ProbeLink", "ProfileWorkload");
      assertThat(all()).isEmpty();
    }

    @Test
    void choosesStopAndCopyWhereTheTargetCannotRestoreLazily() {
      cluster.heartbeat("b", AgentRole.AGENT_ROLE_TARGET, cluster.targetAddress(), false);

      MigrationPlan plan = plan(Cluster.spec(Strategy.STRATEGY_UNSPECIFIED));
      assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_STOP_AND_COPY);
      assertThat(plan.getObstaclesList()).isEmpty();
      assertThat(plan(Cluster.spec(Strategy.STRATEGY_POST_COPY)).getObstaclesList())
          .extracting(Obstacle::getReason)
          .containsExactly("KERNEL_INCOMPATIBLE");
    }

    @Test
    void choosesPreCopyWherePostCopyIsForbiddenAndShowsTheWholePolicy() {
      MigrationPlan plan =
          plan(
              Cluster.spec(Strategy.STRATEGY_UNSPECIFIED).toBuilder()
                  .setPolicy(Policy.newBuilder().setPostCopy(PostCopy.POST_COPY_FORBIDDEN))
                  .build());

      assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
      assertThat(plan.getStrategyReason()).contains("post-copy is forbidden");
      assertThat(plan.getSpec().getPolicy().getOnNoConvergence())
          .isEqualTo(OnNoConvergence.ON_NO_CONVERGENCE_ABORT);
      assertThat(plan(Cluster.spec(Strategy.STRATEGY_PRE_COPY)).getSpec().getPolicy())
          .satisfies(
              usual -> {
                assertThat(usual.getPostCopy()).isEqualTo(PostCopy.POST_COPY_ALLOWED);
                assertThat(usual.getOnNoConvergence())
                    .isEqualTo(OnNoConvergence.ON_NO_CONVERGENCE_POST_COPY);
              });
    }

    @Test
    void namesEveryObstacleOfBothSides() {
      cluster.source.obstacles.add(MISSING);
      cluster.target.obstacles.add(TAKEN);

      assertThat(plan(Cluster.spec(Strategy.STRATEGY_POST_COPY)).getObstaclesList())
          .containsExactly(MISSING, TAKEN);
    }

    @Test
    void namesUnknownNodesAndTheSameNode() {
      MigrationSpec nowhere =
          Cluster.spec(Strategy.STRATEGY_POST_COPY).toBuilder()
              .setSourceNode("x")
              .setTargetNode("x")
              .build();

      assertThat(plan(nowhere).getObstaclesList())
          .extracting(Obstacle::getReason)
          .containsExactly("UNKNOWN_NODE", "UNKNOWN_NODE", "SAME_NODE");
      assertThat(cluster.script.calls()).isEmpty();
    }

    @Test
    void namesSilentNodesAndNodesWithoutTheAgentThatIsNeeded() {
      MigrationSpec backwards =
          Cluster.spec(Strategy.STRATEGY_POST_COPY).toBuilder()
              .setSourceNode("b")
              .setTargetNode("a")
              .build();
      assertThat(plan(backwards).getObstaclesList())
          .extracting(Obstacle::getMessage)
          .containsExactly(
              "the source-agent of node 'b' was never heard",
              "the target-agent of node 'a' was never heard");

      cluster.clock.advance(Cluster.HEARTBEAT_TIMEOUT.plusMinutes(1));
      assertThat(plan(Cluster.spec(Strategy.STRATEGY_POST_COPY)).getObstaclesList())
          .extracting(Obstacle::getReason)
          .containsExactly("NODE_UNAVAILABLE", "NODE_UNAVAILABLE");
    }

    @Test
    void anAgentThatDoesNotAnswerIsAnObstacle() throws Exception {
      cluster.stopSource();

      assertThat(plan(Cluster.spec(Strategy.STRATEGY_POST_COPY)).getObstaclesList())
          .singleElement()
          .satisfies(o -> assertThat(o.getReason()).isEqualTo("AGENT_UNREACHABLE"))
          .satisfies(o -> assertThat(o.getMessage()).contains("source-agent of node 'a'"));
    }
  }

  @Nested
  final class ACreation {
    @Test
    void withObstaclesIsRefusedWithAllOfThemAndStoresNothing() {
      cluster.target.obstacles.addAll(List.of(TAKEN, MISSING));

      assertThatThrownBy(() -> cluster.create(Strategy.STRATEGY_POST_COPY))
          .satisfies(
              e ->
                  assertThat(Status.fromThrowable(e).getCode())
                      .isEqualTo(Status.Code.FAILED_PRECONDITION))
          .hasMessageContaining("pid 4711 is sshd on b")
          .satisfies(
              e -> assertThat(Statuses.reasons(e)).containsExactly("PID_TAKEN", "FILE_MISSING"));
      assertThat(all()).isEmpty();
    }

    @Test
    void foundByTheLastLookFailsTheMigration() {
      cluster.script.then("CheckTarget", () -> {});
      cluster.script.then("CheckTarget", () -> cluster.target.obstacles.add(TAKEN));

      Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());
      assertThat(done.getError().getReason()).isEqualTo("PID_TAKEN");
      assertThat(done.getError().getMessage()).isEqualTo("pid 4711 is sshd on b");
    }

    @Test
    void repeatedWithTheSameSpecReturnsTheSameMigration() {
      MigrationSpec spec = Cluster.spec(Strategy.STRATEGY_UNSPECIFIED);
      Migration first = cluster.create("again", spec);

      assertThat(cluster.create("again", spec).getId()).isEqualTo(first.getId());
      Migration done = cluster.awaitDone(first.getId());
      assertThat(cluster.create("again", spec)).isEqualTo(done);
      assertThat(all()).hasSize(1);
    }

    @Test
    void repeatedWithAnotherSpecIsRefused() {
      cluster.create("again", Cluster.spec(Strategy.STRATEGY_POST_COPY));

      assertThatThrownBy(
              () -> cluster.create("again", Cluster.spec(Strategy.STRATEGY_STOP_AND_COPY)))
          .satisfies(
              e ->
                  assertThat(Status.fromThrowable(e).getCode())
                      .isEqualTo(Status.Code.ALREADY_EXISTS))
          .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("REQUEST_ID_REUSED"));
    }

    @Test
    void madeManyTimesAtOnceStartsOneMigration() throws Exception {
      Script.Gate inspect = cluster.script.hold("InspectWorkload");
      Callable<String> create =
          () -> cluster.create("at-once", Cluster.spec(Strategy.STRATEGY_POST_COPY)).getId();
      List<Future<String>> calls = new ArrayList<>();
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 8; i++) {
          calls.add(threads.submit(create));
        }
        inspect.awaitReached();
        inspect.open();
        for (Future<String> call : calls) {
          assertThat(call.get()).isEqualTo(calls.getFirst().get());
        }
      }
      assertThat(all()).hasSize(1);
      cluster.awaitDone(calls.getFirst().get());
      assertThat(cluster.script.count("FreezeWorkload")).isEqualTo(1);
    }

    @Test
    void isNotRefusedForWhatTheSameCallStartedMeanwhile() throws Exception {
      Script.Gate slow = new Script.Gate();
      cluster.script.then("InspectWorkload", slow);
      MigrationSpec spec = Cluster.spec(Strategy.STRATEGY_POST_COPY);
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        Future<String> first = threads.submit(() -> cluster.create("twice", spec).getId());
        slow.awaitReached();
        Migration second = cluster.awaitDone(cluster.create("twice", spec).getId());
        cluster.source.obstacles.add(TAKEN);
        slow.open();

        assertThat(first.get()).isEqualTo(second.getId());
      }
    }

    @Test
    void ofAWorkloadThatIsBeingMovedIsRefusedUntilThatIsDone() throws Exception {
      Script.Gate freeze = cluster.script.hold("FreezeWorkload");
      Migration first = cluster.create(Strategy.STRATEGY_POST_COPY);
      freeze.awaitReached();

      assertThatThrownBy(() -> cluster.create(Strategy.STRATEGY_POST_COPY))
          .satisfies(e -> assertThat(Statuses.reasons(e)).containsExactly("WORKLOAD_BUSY"));
      freeze.open();
      cluster.awaitDone(first.getId());

      assertThat(cluster.create(Strategy.STRATEGY_POST_COPY).getId()).isNotEqualTo(first.getId());
    }
  }

  @Nested
  final class AList {
    @Test
    void isPagedWithTheNewestFirst() {
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
        cluster.awaitDone(migration.getId());
        ids.addFirst(migration.getId());
      }

      List<String> listed = new ArrayList<>();
      List<Integer> sizes = new ArrayList<>();
      String token = "";
      do {
        ListMigrationsResponse page =
            cluster
                .migrations()
                .listMigrations(
                    ListMigrationsRequest.newBuilder().setPageSize(2).setPageToken(token).build());
        page.getMigrationsList().forEach(migration -> listed.add(migration.getId()));
        sizes.add(page.getMigrationsCount());
        token = page.getNextPageToken();
      } while (!token.isEmpty());

      assertThat(listed).isEqualTo(ids);
      assertThat(sizes).containsExactly(2, 2, 1);
    }

    @Test
    void canLeaveOutWhatIsDone() throws Exception {
      cluster.awaitDone(cluster.create(Strategy.STRATEGY_POST_COPY).getId());
      Script.Gate push = cluster.script.hold("PushPages");
      Migration active = cluster.create(Strategy.STRATEGY_POST_COPY);
      push.awaitReached();

      assertThat(
              cluster
                  .migrations()
                  .listMigrations(ListMigrationsRequest.newBuilder().setOnlyActive(true).build())
                  .getMigrationsList())
          .extracting(Migration::getId)
          .containsExactly(active.getId());
      assertThat(all()).hasSize(2);
    }
  }

  @Nested
  final class AnInvalidRequest {
    @ParameterizedTest
    @CsvSource({
      "'',  b, 4711, 10.77.0.100/24, spec.source_node is empty",
      "a b, b, 4711, 10.77.0.100/24, spec.source_node is 'a b'",
      "a, ../b, 4711, 10.77.0.100/24, spec.target_node is '../b'",
      "a,  b, 0,    10.77.0.100/24, spec.workload.process.pid is 0",
      "a,  b, 1,    10.77.0.100/24, spec.workload.process.pid is 1",
      "a,  b, -5,   10.77.0.100/24, spec.workload.process.pid is -5",
      "a,  b, 4711, 10.77.0.100,    spec.service_addresses[0] is '10.77.0.100'",
      "a,  b, 4711, 10.77.0.256/24, spec.service_addresses[0] is '10.77.0.256/24'",
      "a,  b, 4711, 10.77.0.100/33, spec.service_addresses[0] is '10.77.0.100/33'",
      "a,  b, 4711, ::1/64,         spec.service_addresses[0] is '::1/64'",
    })
    void namesTheFieldOfTheSpec(
        String source, String target, int pid, String address, String message) {
      MigrationSpec spec =
          MigrationSpec.newBuilder()
              .setSourceNode(source)
              .setTargetNode(target)
              .setWorkload(
                  Workload.newBuilder().setProcess(ProcessWorkload.newBuilder().setPid(pid)))
              .addServiceAddresses(address)
              .build();

      refused(() -> plan(spec), message);
      refused(() -> cluster.create("r", spec), message);
    }

    @Test
    void namesTheFieldThatIsAbsentOrUnknown() {
      MigrationSpec good = Cluster.spec(Strategy.STRATEGY_POST_COPY);
      refused(() -> plan(good.toBuilder().clearWorkload().build()), "spec.workload names no");
      refused(() -> plan(good.toBuilder().setStrategyValue(99).build()), "spec.strategy is 99");
      refused(
          () -> plan(good.toBuilder().addServiceAddresses("10.77.0.100/16").build()),
          "spec.service_addresses[1] is 10.77.0.100/16, which is there twice");
      refused(
          () -> plan(good.toBuilder().setPolicy(Policy.newBuilder().setPostCopyValue(9)).build()),
          "spec.policy.post_copy is 9");
      refused(
          () ->
              plan(
                  good.toBuilder()
                      .setPolicy(Policy.newBuilder().setOnNoConvergenceValue(9))
                      .build()),
          "spec.policy.on_no_convergence is 9");
      refused(() -> cluster.create("", good), "request_id is empty");
      refused(() -> cluster.create("x".repeat(129), good), "request_id has 129 characters");
      refused(
          () ->
              cluster
                  .migrations()
                  .createMigration(CreateMigrationRequest.newBuilder().setRequestId("r").build()),
          "spec is absent");
      refused(() -> cluster.get(""), "migration_id is empty");
    }

    @ParameterizedTest
    @EnumSource(names = {"STRATEGY_POST_COPY", "STRATEGY_HYBRID"})
    void asksForWhatItsPolicyForbids(Strategy strategy) {
      Policy forbidden = Policy.newBuilder().setPostCopy(PostCopy.POST_COPY_FORBIDDEN).build();
      MigrationSpec spec = Cluster.spec(strategy).toBuilder().setPolicy(forbidden).build();
      refused(() -> plan(spec), "spec.policy.post_copy forbids it");
      refused(() -> cluster.create("r", spec), "spec.policy.post_copy forbids it");
      MigrationSpec contradiction =
          Cluster.spec(Strategy.STRATEGY_PRE_COPY).toBuilder()
              .setPolicy(
                  forbidden.toBuilder()
                      .setOnNoConvergence(OnNoConvergence.ON_NO_CONVERGENCE_POST_COPY))
              .build();
      refused(
          () -> plan(contradiction),
          "spec.policy.on_no_convergence is post-copy, which spec.policy.post_copy forbids");
    }

    @ParameterizedTest
    @ValueSource(strings = {"?", "AAAA", "MTIz", "eCB5"})
    void namesABadPageToken(String token) {
      refused(
          () ->
              cluster
                  .migrations()
                  .listMigrations(ListMigrationsRequest.newBuilder().setPageToken(token).build()),
          "page_token is none that this coordinator gave");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 501})
    void namesABadPageSize(int size) {
      refused(
          () ->
              cluster
                  .migrations()
                  .listMigrations(ListMigrationsRequest.newBuilder().setPageSize(size).build()),
          "page_size is " + size);
    }

    @Test
    void ofAnUnknownMigrationIsNotFound() {
      for (Callable<?> call :
          List.<Callable<?>>of(
              () -> cluster.get("m-none"),
              () ->
                  cluster
                      .migrations()
                      .getMigration(
                          GetMigrationRequest.newBuilder().setMigrationId("m-none").build()),
              () ->
                  cluster
                      .migrations()
                      .watchMigration(
                          WatchMigrationRequest.newBuilder().setMigrationId("m-none").build())
                      .next())) {
        assertThatThrownBy(call::call)
            .satisfies(
                e -> assertThat(Status.fromThrowable(e).getCode()).isEqualTo(Status.Code.NOT_FOUND))
            .satisfies(
                e -> assertThat(Statuses.reasons(e)).containsExactly(Reason.NOT_FOUND.name()));
      }
    }

    private void refused(Callable<?> call, String message) {
      StatusRuntimeException failure =
          catchThrowableOfType(StatusRuntimeException.class, call::call);
      assertThat(failure).as(message).isNotNull();
      assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(failure).hasMessageContaining(message);
      assertThat(Statuses.reasons(failure)).containsExactly("INVALID_ARGUMENT");
    }
  }
}
