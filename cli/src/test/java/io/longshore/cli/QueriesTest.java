package io.longshore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.Durations;
import com.google.protobuf.util.JsonFormat;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.v1.ContainerWorkload;
import io.longshore.v1.DurationEstimate;
import io.longshore.v1.LinkProfile;
import io.longshore.v1.ListMigrationsResponse;
import io.longshore.v1.ListNodesResponse;
import io.longshore.v1.ListWorkloadsResponse;
import io.longshore.v1.ListedWorkload;
import io.longshore.v1.MemorySizes;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.MigrationPlan;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.Node;
import io.longshore.v1.Obstacle;
import io.longshore.v1.Prediction;
import io.longshore.v1.Resolution;
import io.longshore.v1.SelfTestWorkload;
import io.longshore.v1.Strategy;
import io.longshore.v1.Workload;
import io.longshore.v1.WorkloadProfile;
import io.longshore.v1.WorkloadSummary;
import java.net.ServerSocket;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Everything but migrate. */
@Timeout(60)
final class QueriesTest {
  private FakeCoordinator coordinator;

  @BeforeEach
  void start() throws Exception {
    coordinator = new FakeCoordinator().start();
  }

  @AfterEach
  void stop() {
    coordinator.close();
  }

  @Nested
  final class Plan {
    private static final String ARGUMENTS =
        "plan --from a --to b --pid 20001 --service-ip 10.77.0.100/24";

    @BeforeEach
    void plan() {
      coordinator.plan =
          MigrationPlan.newBuilder()
              .setSpec(MigrationSpec.newBuilder().setStrategy(Strategy.STRATEGY_POST_COPY))
              .setWorkload(
                  WorkloadSummary.newBuilder()
                      .setCommand("redis-server *:6379")
                      .setProcesses(1)
                      .setThreads(5)
                      .setPrivateBytes(Samples.GIB)
                      .setSharedBytes(4096)
                      .setTcpConnections(20))
              .setStrategyReason("post-copy has the shortest downtime")
              .build();
    }

    @Test
    void showsWorkloadAndStrategy() {
      assertThat(run(ARGUMENTS))
          .isEqualTo(
              new Run(
                  0,
                  """
                  post-copy of pid 20001 from a to b
                    command      redis-server *:6379
                    processes    1 with 5 threads
                    memory       1.0 GiB private, 4.0 KiB shared
                    connections  20
                    moves too    10.77.0.100/24
                    strategy     post-copy has the shortest downtime
                  Nothing stands in the way.
                  """,
                  ""));
    }

    @Test
    void showsWhatIsPredictedAndFromWhat() {
      coordinator.plan =
          coordinator.plan.toBuilder()
              .setProfile(
                  WorkloadProfile.newBuilder()
                      .setSizes(
                          MemorySizes.newBuilder()
                              .setPageBytes(Samples.GIB)
                              .setUntouchedBytes(3 * Samples.GIB)
                              .setSharedBytes(4096))
                      .setDirtyRate(50 << 20)
                      .setWorkingSetBytes(100 << 20)
                      .setZeroShare(0.25)
                      .setCompressedShare(0.5)
                      .setTracker("userfaultfd"))
              .setLink(
                  LinkProfile.newBuilder()
                      .setRoundTripTime(Durations.fromMicros(214))
                      .setBytesPerSecond(112 << 20))
              .addPredictions(
                  Prediction.newBuilder()
                      .setStrategy(Strategy.STRATEGY_STOP_AND_COPY)
                      .setDowntime(estimate(8000, 9120, 11_000))
                      .setTotalTime(estimate(9000, 9600, 12_000))
                      .setBytesOnWire(Samples.GIB)
                      .setConverges(true))
              .addPredictions(
                  Prediction.newBuilder()
                      .setStrategy(Strategy.STRATEGY_HYBRID)
                      .setDowntime(estimate(80, 120, 210))
                      .setTotalTime(estimate(11_000, 12_000, 15_000))
                      .setBytesOnWire(Samples.GIB + (100 << 20))
                      .setRounds(3))
              .addNotes("something could not be asked")
              .build();

      assertThat(run(ARGUMENTS).out())
          .isEqualTo(
              """
              post-copy of pid 20001 from a to b
                command       redis-server *:6379
                processes     1 with 5 threads
                memory        1.0 GiB private, 4.0 KiB shared
                connections   20
                in pages      1.0 GiB, 25 % of it zeros, 3.0 GiB never touched
                in images     0 B of files, 4.0 KiB shared, 0 B locked
                dirty rate    50.0 MiB/s
                working set   100.0 MiB
                compressible  to 50 %
                tracker       userfaultfd
                link          112.0 MiB/s, round trip 0.21 ms
                moves too     10.77.0.100/24
                strategy      post-copy has the shortest downtime
                not known     something could not be asked
              Predicted (earlier migrations: none between these nodes, so times are from elsewhere):
                               downtime                    in all   on the wire  rounds
                stop-and-copy  9.12 s (8.00 s to 11.00 s)  9.60 s   1.0 GiB      -
                hybrid         120 ms (80 ms to 210 ms)    12.00 s  1.1 GiB      3, may not converge
              Nothing stands in the way.
              """);
    }

    private static DurationEstimate estimate(long low, long expected, long high) {
      return DurationEstimate.newBuilder()
          .setLow(Durations.fromMillis(low))
          .setExpected(Durations.fromMillis(expected))
          .setHigh(Durations.fromMillis(high))
          .build();
    }

    @Test
    void endsWithThreeIfSomethingIsInTheWay() {
      coordinator.plan =
          coordinator.plan.toBuilder()
              .addObstacles(
                  Obstacle.newBuilder()
                      .setReason("PID_TAKEN")
                      .setMessage("pid 20001 is taken on b")
                      .setRemedy("End it."))
              .build();

      Run run = run(ARGUMENTS);

      assertThat(run.status()).isEqualTo(3);
      assertThat(run.out())
          .endsWith("In the way:\n  PID_TAKEN: pid 20001 is taken on b\n    End it.\n");
      assertThat(run(ARGUMENTS + " --json").status()).isEqualTo(3);
    }

    @Test
    void printsThePlanAsJson() throws Exception {
      MigrationPlan.Builder parsed = MigrationPlan.newBuilder();
      JsonFormat.parser().merge(run(ARGUMENTS + " --json").out(), parsed);

      assertThat(parsed.getWorkload()).isEqualTo(coordinator.plan.getWorkload());
    }
  }

  @Nested
  final class Get {
    @Test
    void showsHowFarItIs() {
      coordinator.migration =
          Samples.moving(State.STATE_PUSHING, Samples.GIB / 2, Samples.GIB, 1000);

      assertThat(run("get m-1"))
          .isEqualTo(
              new Run(
                  0,
                  """
                  Migration m-1 is pushing: post-copy of pid 20001 from a to b
                    moved  512.0 MiB of 1.0 GiB
                    trace  0af7651916cd43dd8448eb211c80319c
                  """,
                  ""));
    }

    @Test
    void saysWhatItWaitsForAndWhatCanBeDecided() {
      coordinator.migration =
          Samples.waiting(
              State.STATE_PUSHING,
              "sending the pages",
              "AGENT_UNREACHABLE",
              Resolution.RESOLUTION_ABANDON_TARGET,
              Resolution.RESOLUTION_ABANDON_SOURCE);

      assertThat(run("get m-1").out())
          .isEqualTo(
              """
              Migration m-1 is pushing: post-copy of pid 20001 from a to b
                waits   sending the pages failed with AGENT_UNREACHABLE since 2026-11-18T11:06:40Z: told to
                decide  'longshore resolve m-1 --abandon-target' or 'longshore resolve m-1 --abandon-source' says what that would lose, and asks
                trace   0af7651916cd43dd8448eb211c80319c
              """);
    }

    @Test
    void offersADecisionAtOnceOnlyAboutWhatDoesNotPassByItself() {
      long now = Instant.now().getEpochSecond();
      coordinator.migration =
          Samples.waitingSince(
              now,
              State.STATE_PUSHING,
              "sending the pages",
              "AGENT_UNREACHABLE",
              Resolution.RESOLUTION_ABANDON_TARGET);
      assertThat(run("get m-1").out()).contains("waits").doesNotContain("decide");

      coordinator.migration =
          Samples.waitingSince(
              now,
              State.STATE_PUSHING,
              "completing the target",
              "FILLING_FAILED",
              Resolution.RESOLUTION_ABANDON_TARGET);
      assertThat(run("get m-1").out()).contains("decide");
    }

    @Test
    void offersNoDecisionWhereThereIsNone() {
      coordinator.migration =
          Samples.waiting(State.STATE_PREPARING, "preparing both sides", "AGENT_UNREACHABLE");

      assertThat(run("get m-1").out())
          .contains("  waits  preparing both sides failed with AGENT_UNREACHABLE since")
          .doesNotContain("decide");
    }

    @Test
    void printsFieldsThatAreZeroTooAsJson() {
      coordinator.migration = Samples.in(State.STATE_PENDING);

      assertThat(run("get m-1 --json").out())
          .contains("\"revision\": \"0\"", "\"done\": false", "\"state\": \"STATE_PENDING\"");
    }

    @Test
    void endsWithOneIfThereIsNone() {
      Run run = run("get m-9");

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err())
          .isEqualTo(
              "longshore: NOT_FOUND: There is no migration m-9\n    "
                  + Reason.NOT_FOUND.remedy()
                  + "\n");
    }
  }

  @Nested
  final class Watch {
    @BeforeEach
    void migration() {
      coordinator.migration = Samples.in(State.STATE_PENDING);
    }

    @Test
    void endsAsTheMigrationDoes() {
      coordinator.watches.add(List.of(Samples.in(State.STATE_FREEZING), Samples.succeeded()));
      coordinator.watches.add(List.of(Samples.failed("CANCELLED", "told to")));

      assertThat(run("watch m-1").status()).isZero();
      assertThat(run("watch m-1").status()).isEqualTo(1);
    }

    @Test
    void printsEverySnapshotAsALineOfJson() throws Exception {
      coordinator.watches.add(List.of(Samples.in(State.STATE_FREEZING), Samples.succeeded()));

      List<String> lines = run("watch m-1 --json").out().lines().toList();

      assertThat(lines).hasSize(2);
      Migration.Builder last = Migration.newBuilder();
      JsonFormat.parser().merge(lines.getLast(), last);
      assertThat(last.build()).isEqualTo(Samples.succeeded());
    }

    @Test
    void endsWithOneIfThereIsNoSuchMigration() {
      Run run = run("watch m-9");

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err()).contains("NOT_FOUND: There is no migration m-9");
    }
  }

  @Nested
  final class Cancel {
    @Test
    void showsTheMigrationAsItIsThen() {
      coordinator.migration = Samples.in(State.STATE_ROLLING_BACK);

      Run run = run("cancel m-1");

      assertThat(run.status()).isZero();
      assertThat(run.out()).startsWith("Migration m-1 is rolling-back");
    }

    @Test
    void endsWithOneIfItIsTooLate() {
      coordinator.failures.add(
          new LongshoreException(Reason.TOO_LATE_TO_CANCEL, "m-1 runs on b already"));

      Run run = run("cancel m-1");

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err()).contains("TOO_LATE_TO_CANCEL: m-1 runs on b already");
    }
  }

  @Nested
  final class Update {
    @Test
    void showsTheBandwidthThatHolds() {
      coordinator.migration = Samples.in(State.STATE_PUSHING);

      Run run = run("update m-1 --max-bandwidth 200mbit");

      assertThat(run.status()).isZero();
      assertThat(run.out()).startsWith("Migration m-1 is pushing").contains("at most", "25.0 MB/s");
    }

    @Test
    void refusesWhatIsNoRate() {
      Run run = run("update m-1 --max-bandwidth fast");

      assertThat(run.status()).isEqualTo(2);
      assertThat(run.err())
          .contains("expected a rate such as 200mbit or 25MB (a second), or none; found fast");
    }

    @Test
    void needsOne() {
      assertThat(run("update m-1").status()).isEqualTo(2);
    }
  }

  @Nested
  final class Lists {
    @BeforeEach
    void migrations() {
      coordinator.migrations =
          IntStream.range(0, 5)
              .mapToObj(
                  i ->
                      (i % 2 == 0 ? Samples.succeeded() : Samples.in(State.STATE_PUSHING))
                          .toBuilder().setId("m-" + i).build())
              .toList();
    }

    @Test
    void showsAllPages() {
      assertThat(run("list").out())
          .isEqualTo(
              """
              ID   STATE      STRATEGY   FROM  TO  PID    CREATED               DOWNTIME  TOTAL
              m-0  succeeded  post-copy  a     b   20001  2026-11-18T11:06:40Z  118 ms    2.41 s
              m-1  pushing    post-copy  a     b   20001  2026-11-18T11:06:40Z
              m-2  succeeded  post-copy  a     b   20001  2026-11-18T11:06:40Z  118 ms    2.41 s
              m-3  pushing    post-copy  a     b   20001  2026-11-18T11:06:40Z
              m-4  succeeded  post-copy  a     b   20001  2026-11-18T11:06:40Z  118 ms    2.41 s
              """);
    }

    @Test
    void marksThoseThatWait() {
      coordinator.migrations =
          List.of(
              Samples.waiting(State.STATE_RESUMING, "resuming on the target", "RAN_IN_PART"),
              Samples.in(State.STATE_PUSHING));

      assertThat(run("list").out())
          .contains("m-1  resuming, waits  post-copy", "m-1  pushing          post-copy");
    }

    @Test
    void showsSelfTestsIfToldTo() {
      coordinator.migrations =
          List.of(
              Samples.succeeded().toBuilder()
                  .setSpec(
                      Samples.SPEC.toBuilder()
                          .setWorkload(
                              Workload.newBuilder()
                                  .setSelfTest(SelfTestWorkload.newBuilder().setPid(4712))))
                  .build());

      assertThat(run("list --all").out()).contains("self-test");
      assertThat(coordinator.lists.getLast().getIncludeSelfTests()).isTrue();
      assertThat(run("list").status()).isZero();
      assertThat(coordinator.lists.getLast().getIncludeSelfTests()).isFalse();
    }

    @Test
    void showsOnlyActiveOnesIfToldTo() throws Exception {
      ListMigrationsResponse.Builder parsed = ListMigrationsResponse.newBuilder();
      JsonFormat.parser().merge(run("list --active --json").out(), parsed);

      assertThat(parsed.getMigrationsList())
          .extracting(Migration::getId)
          .containsExactly("m-1", "m-3");
    }
  }

  @Nested
  final class Nodes {
    @BeforeEach
    void nodes() {
      coordinator.nodes = List.of(Samples.node("a"), Node.newBuilder().setName("b").build());
    }

    @Test
    void areListed() {
      assertThat(run("nodes").out())
          .isEqualTo(
              """
              NAME  STATE        SOURCE-AGENT     TARGET-AGENT              KERNEL  CRIU   FREE MEMORY  SELF-TEST
              a     partial      10.77.0.11:7710  10.77.0.11:7720 (silent)  6.18.0  4.1.1  3.0 GiB      -
              b     unspecified  -                -                                 none   0 B          -
              """);
    }

    @Test
    void showWhatCameOfTheirSelfTests() {
      coordinator.nodes =
          List.of(
              Samples.node("a").toBuilder().setSelfTest(Samples.PASSED).build(),
              Samples.node("b").toBuilder().setSelfTest(Samples.NOT_PASSED).build());

      assertThat(run("nodes").out().lines())
          .anySatisfy(line -> assertThat(line).startsWith("a ").endsWith("passed 412 ms"))
          .anySatisfy(
              line ->
                  assertThat(line)
                      .startsWith("b ")
                      .endsWith("failed: CRIU_RESTORE_FAILED: it would not"));
      assertThat(run("nodes a").out())
          .contains(
              "self-test     passed 412 ms; downtime 118 ms, run 2, migration m-1, at 2026-11-18T11:06:40Z");
    }

    @Test
    void areTestedOnRequest() {
      coordinator.tested = Samples.node("a").toBuilder().setSelfTest(Samples.PASSED).build();
      assertThat(run("nodes --test a").status()).isZero();
      assertThat(run("nodes --test a").out()).contains("passed 412 ms");

      coordinator.tested = Samples.node("a").toBuilder().setSelfTest(Samples.NOT_PASSED).build();
      assertThat(run("nodes --test a").status()).isEqualTo(1);
      assertThat(run("nodes --test a").out()).contains("CRIU_RESTORE_FAILED");
    }

    @Test
    void areListedAsJsonWithOneStateALine() throws Exception {
      String json = run("nodes --json").out();

      ListNodesResponse.Builder parsed = ListNodesResponse.newBuilder();
      JsonFormat.parser().merge(json, parsed);
      assertThat(parsed.getNodesList()).isEqualTo(coordinator.nodes);
      assertThat(json.lines().filter(line -> line.contains("STATE_PARTIAL"))).hasSize(1);
    }

    @Test
    void areShownOneByOne() {
      assertThat(run("nodes a").out())
          .isEqualTo(
              """
              Node a is partial
                source-agent  10.77.0.11:7710, version 0.1.0, last heard 2026-11-18T11:06:40Z
                target-agent  10.77.0.11:7720, version 0.1.0, silent, last heard 1970-01-01T00:00:00Z
                architecture  x86_64
                kernel        6.18.0
                CRIU          4.1.1
                lazy restore  yes
                runtimes      process
                memory        3.0 GiB free of 4.0 GiB
                self-test     -
              """);
      assertThat(run("nodes c").status()).isEqualTo(1);
    }
  }

  @Nested
  final class Usage {
    @ParameterizedTest
    @ValueSource(
        strings = {
          "migrate",
          "migrate --from a --to b",
          "migrate --from a --to b --pid x",
          "migrate --from a --to b --pid 0",
          "migrate --from a --to b --pid 1 --strategy fast",
          "plan --from a --to b --pid 1 --detach",
          "get",
          "get m-1 m-2",
          "nodes a b",
          "list --coordinator nowhere",
          "unknown"
        })
    void endsWithTwoIfItIsWrong(String arguments) {
      Run run = run(arguments);

      assertThat(run.status()).isEqualTo(2);
      assertThat(run.err()).isNotEmpty();
      assertThat(run.out()).isEmpty();
      assertThat(coordinator.created).isEmpty();
    }

    @Test
    void endsWithTwoWithoutAnyArguments() {
      assertThat(Run.of(Map.of()).status()).isEqualTo(2);
    }

    @Test
    void endsWithTwoIfTheVariableIsNoAddress() {
      Run run = Run.of(Map.of("LONGSHORE_COORDINATOR", "nowhere"), "nodes");

      assertThat(run.status()).isEqualTo(2);
      assertThat(run.err())
          .isEqualTo("longshore: LONGSHORE_COORDINATOR: expected host:port, found 'nowhere'\n");
    }

    @Test
    void explainsItself() {
      Run run = run("--help");

      assertThat(run.status()).isZero();
      assertThat(run.out()).contains("plan", "migrate", "get", "watch", "cancel", "list", "nodes");
    }
  }

  @Test
  void prefersTheOptionToTheVariableWhereverItStands() {
    String address = coordinator.address().toString();
    Map<String, String> wrong = Map.of("LONGSHORE_COORDINATOR", "127.0.0.1:1");

    assertThat(Run.of(wrong, "--coordinator", address, "nodes").status()).isZero();
    assertThat(Run.of(wrong, "nodes", "--coordinator", address).status()).isZero();
    assertThat(Run.of(wrong, "nodes").status()).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nodes",
        "list",
        "get m-1",
        "watch m-1",
        "cancel m-1",
        "migrate --from a --to b --pid 1",
        "plan --from a --to b --pid 1"
      })
  void saysWhereItLookedForTheCoordinatorIfNobodyListens(String arguments) throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }

    Run run = Run.of(Map.of("LONGSHORE_COORDINATOR", "127.0.0.1:" + free), arguments.split(" "));

    assertThat(run.status()).isEqualTo(4);
    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .startsWith("longshore: cannot reach the coordinator at 127.0.0.1:" + free)
        .contains("Connection refused. Is it running?");
    assertThat(run.err().lines()).hasSize(1);
  }

  @Nested
  final class Workloads {
    private final ListedWorkload web =
        ListedWorkload.newBuilder()
            .setWorkload(container("web-1"))
            .setPid(4711)
            .setState("running")
            .build();
    private final ListedWorkload db =
        ListedWorkload.newBuilder()
            .setWorkload(container("db"))
            .setState("stopped")
            .addObstacles(Obstacle.newBuilder().setReason("TASK_NOT_RUNNING"))
            .build();

    @BeforeEach
    void list() {
      coordinator.nodes =
          List.of(Samples.node("a"), Samples.node("b"), Node.newBuilder().setName("c").build());
      coordinator.workloads.put("a", List.of(web));
      coordinator.workloads.put("b", List.of(db));
    }

    @Test
    void ofANodeAreListed() {
      assertThat(run("workloads a").out())
          .isEqualTo(
              """
              NODE  RUNTIME  CONTAINER  STATE    PID   OBSTACLES
              a     runc     web-1      running  4711  none
              """);
    }

    @Test
    void ofAllNodesThatAreHeardAreListed() {
      assertThat(run("workloads").out())
          .isEqualTo(
              """
              NODE  RUNTIME  CONTAINER  STATE    PID   OBSTACLES
              a     runc     web-1      running  4711  none
              b     runc     db         stopped  -     TASK_NOT_RUNNING
              """);
    }

    @Test
    void areAnEmptyListWhereThereAreNone() {
      assertThat(run("workloads c").out())
          .isEqualTo("NODE  RUNTIME  CONTAINER  STATE  PID  OBSTACLES\n");
      assertThat(run("workloads c").status()).isZero();
    }

    @Test
    void areJsonWithALineForEachNode() throws Exception {
      String first = run("workloads --json").out().lines().findFirst().orElseThrow();

      ListWorkloadsResponse.Builder read = ListWorkloadsResponse.newBuilder();
      JsonFormat.parser().merge(first, read);
      assertThat(read.build())
          .isEqualTo(ListWorkloadsResponse.newBuilder().setNode("a").addWorkloads(web).build());
    }

    private static Workload container(String id) {
      return Workload.newBuilder()
          .setContainer(ContainerWorkload.newBuilder().setId(id).setRuntime("runc"))
          .build();
    }
  }

  private Run run(String arguments) {
    return Run.of(
        Map.of("LONGSHORE_COORDINATOR", coordinator.address().toString()), arguments.split(" "));
  }
}
