package io.longshore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.Durations;
import com.google.protobuf.util.JsonFormat;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.longshore.platform.value.HostPort;
import io.longshore.v1.ContainerPolicy;
import io.longshore.v1.ContainerWorkload;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.MountPolicy;
import io.longshore.v1.MountTreatment;
import io.longshore.v1.OnNoConvergence;
import io.longshore.v1.Policy;
import io.longshore.v1.PostCopy;
import io.longshore.v1.Resolution;
import io.longshore.v1.Strategy;
import io.longshore.v1.TcpConnections;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class MigrateCommandTest {
  private static final String[] PLAIN = {"--from", "a", "--to", "b", "--pid", "20001"};

  private FakeCoordinator coordinator;
  private HostPort address;

  @BeforeEach
  void start() throws Exception {
    coordinator = new FakeCoordinator().start();
    address = coordinator.address();
    coordinator.migration = Samples.in(State.STATE_PENDING);
  }

  @AfterEach
  void stop() {
    coordinator.close();
  }

  @Test
  void asksForWhatTheOptionsSay() {
    coordinator.watches.add(List.of(Samples.succeeded()));

    Run run =
        migrate(
            "--strategy",
            "stop-and-copy",
            "--service-ip",
            "10.77.0.100/24",
            "--service-ip",
            "10.77.0.101/24",
            "--request-id",
            "mine");

    assertThat(run.status()).isZero();
    assertThat(coordinator.created).hasSize(1);
    assertThat(coordinator.created.getFirst().getRequestId()).isEqualTo("mine");
    MigrationSpec spec = coordinator.created.getFirst().getSpec();
    assertThat(spec.getSourceNode()).isEqualTo("a");
    assertThat(spec.getTargetNode()).isEqualTo("b");
    assertThat(spec.getWorkload().getProcess().getPid()).isEqualTo(20001);
    assertThat(spec.getStrategy()).isEqualTo(Strategy.STRATEGY_STOP_AND_COPY);
    assertThat(spec.getServiceAddressesList()).containsExactly("10.77.0.100/24", "10.77.0.101/24");
  }

  @Test
  void asksForAContainer() {
    coordinator.watches.add(List.of(Samples.succeeded()));

    Run run =
        Run.of(
            with(),
            "migrate --from a --to b --container web-1 --runtime crun --bundle /srv/web --runtime-root /run/c --cgroup-parent /p --mount /data=shared --mount /logs=skip --tcp close"
                .split(" "));

    assertThat(run.err()).contains("of container crun/web-1 from a to b");
    assertThat(run.status()).isZero();
    MigrationSpec spec = coordinator.created.getFirst().getSpec();
    assertThat(spec.getWorkload().getContainer())
        .isEqualTo(ContainerWorkload.newBuilder().setId("web-1").setRuntime("crun").build());
    assertThat(spec.getContainer())
        .isEqualTo(
            ContainerPolicy.newBuilder()
                .setBundle("/srv/web")
                .setRuntimeRoot("/run/c")
                .setCgroupParent("/p")
                .addMounts(mount("/data", MountTreatment.MOUNT_TREATMENT_SHARED))
                .addMounts(mount("/logs", MountTreatment.MOUNT_TREATMENT_SKIP))
                .setTcpConnections(TcpConnections.TCP_CONNECTIONS_CLOSE)
                .build());
  }

  @Test
  void aContainerNeedsNothingButItsId() {
    coordinator.watches.add(List.of(Samples.succeeded()));

    assertThat(Run.of(with(), "migrate --from a --to b --container web-1".split(" ")).status())
        .isZero();
    assertThat(coordinator.created.getFirst().getSpec().hasContainer()).isFalse();
  }

  @Test
  void refusesToGuessWhatIsMeant() {
    assertThat(migrate("--container", "web-1").err()).contains("--pid=N", "--container=ID");
    assertThat(Run.of(with(), "migrate --from a --to b".split(" ")).err())
        .contains("--pid=N", "--container=ID");
    assertThat(migrate("--bundle", "/srv/web").err()).contains("--container");
    assertThat(
            Run.of(with(), "migrate --from a --to b --container x --mount /d=copy".split(" "))
                .err())
        .contains("expected sync, shared or skip");
    assertThat(coordinator.created).isEmpty();
  }

  private static MountPolicy mount(String destination, MountTreatment treatment) {
    return MountPolicy.newBuilder().setDestination(destination).setTreatment(treatment).build();
  }

  @Test
  void asksForThePolicyThatTheOptionsSay() {
    coordinator.watches.add(List.of(Samples.succeeded()));

    assertThat(
            migrate(
                    "--downtime-budget",
                    "50",
                    "--max-rounds",
                    "7",
                    "--strategy",
                    "auto",
                    "--max-total-time",
                    "90",
                    "--post-copy",
                    "forbidden",
                    "--on-no-convergence",
                    "force")
                .status())
        .isZero();
    assertThat(coordinator.created.getFirst().getSpec().getPolicy())
        .isEqualTo(
            Policy.newBuilder()
                .setDowntimeBudget(Durations.fromMillis(50))
                .setMaxRounds(7)
                .setMaxTotalTime(Durations.fromSeconds(90))
                .setPostCopy(PostCopy.POST_COPY_FORBIDDEN)
                .setOnNoConvergence(OnNoConvergence.ON_NO_CONVERGENCE_FORCE)
                .build());
    assertThat(migrate("--post-copy", "perhaps").err()).contains("expected allowed or forbidden");
    assertThat(migrate("--on-no-convergence", "throw").err())
        .contains("expected post-copy, abort or force");
  }

  @Test
  void leavesTheStrategyToThePlannerAndUsesANewRequestIdEachTime() {
    coordinator.watches.add(List.of(Samples.succeeded()));
    coordinator.watches.add(List.of(Samples.succeeded()));
    migrate();
    migrate();

    assertThat(coordinator.created)
        .extracting(request -> request.getSpec().getStrategy())
        .containsOnly(Strategy.STRATEGY_UNSPECIFIED);
    assertThat(coordinator.created.get(0).getRequestId())
        .isNotEmpty()
        .isNotEqualTo(coordinator.created.get(1).getRequestId());
  }

  @Nested
  final class ThatSucceeds {
    @BeforeEach
    void script() {
      coordinator.watches.add(
          List.of(
              Samples.in(State.STATE_PREPARING),
              Samples.in(State.STATE_FREEZING),
              Samples.moving(State.STATE_PUSHING, Samples.GIB / 4, Samples.GIB, Samples.GIB / 2),
              Samples.moving(State.STATE_PUSHING, Samples.GIB / 2, Samples.GIB, Samples.GIB / 2),
              Samples.succeeded()));
    }

    @Test
    void printsALineForEachPhaseAndThenASummary() {
      Run run = migrate();

      assertThat(run.status()).isZero();
      assertThat(run.err())
          .isEqualTo(
              """
              Migration m-1: not chosen of pid 20001 from a to b
              preparing
              freezing
              pushing
              succeeded
              """);
      assertThat(run.out())
          .isEqualTo(
              """
              Migration m-1 succeeded: post-copy of pid 20001 from a to b
                downtime         118 ms
                freeze           85 ms
                restore          30 ms
                total            2.41 s
                memory           1.0 GiB
                bytes on wire    1.0 GiB
                rounds           0
                stale at freeze  1.0 GiB
                pages sent       262000
                zero pages       144
                demand faults    17, waited for 2.00 ms, 99 % of them for 31.00 ms at most
                image bytes      312.5 KiB
                trace            0af7651916cd43dd8448eb211c80319c
              """);
    }

    @Test
    void saysThatItWentOnAsHybrid() {
      coordinator.watches.clear();
      coordinator.watches.add(
          List.of(
              Samples.succeeded().toBuilder()
                  .setSpec(Samples.SPEC.toBuilder().setStrategy(Strategy.STRATEGY_HYBRID))
                  .setRequestedStrategy(Strategy.STRATEGY_PRE_COPY)
                  .build()));

      assertThat(migrate().out())
          .contains(
              "succeeded: hybrid of pid 20001",
              "asked for        pre-copy: its rounds did not converge\n");
    }

    @Test
    void redrawsOneLineOnATerminal() {
      Run run = Run.of(with("LONGSHORE_PROGRESS", "live", "COLUMNS", "90"), command());

      String[] drawn = run.err().split("\r\u001b\\[K", -1);
      assertThat(drawn)
          .contains(
              "preparing ...",
              "pushing     [#######-----------------------]  25%  512.0 MiB/s  768.0 MiB left, 1.50 s",
              "pushing     [###############---------------]  50%  512.0 MiB/s  512.0 MiB left, 1.00 s")
          .allMatch(line -> line.startsWith("Migration m-1") || line.indexOf('\n') < 0);
      assertThat(run.err()).endsWith("\r\u001b[K");
    }

    @Test
    void printsNothingButTheFinalMigrationAsJson() throws Exception {
      Run run = migrate("--json");

      Migration.Builder parsed = Migration.newBuilder();
      JsonFormat.parser().merge(run.out(), parsed);
      assertThat(parsed.build()).isEqualTo(Samples.succeeded());
      assertThat(run.err()).isEmpty();
      assertThat(run.status()).isZero();
    }
  }

  @Nested
  final class ThatWaits {
    private static final String WAITS =
        "waits: resuming on the target failed with RAN_IN_PART since 2026-11-18T11:06:40Z: told to";
    private static final String DECIDE =
        "decide: 'longshore resolve m-1 --abandon-target' says what that would lose, and asks";

    @BeforeEach
    void script() {
      Migration waiting =
          Samples.waiting(
              State.STATE_RESUMING,
              "resuming on the target",
              "RAN_IN_PART",
              Resolution.RESOLUTION_ABANDON_TARGET);
      coordinator.watches.add(
          List.of(
              Samples.in(State.STATE_RESUMING),
              waiting,
              waiting.toBuilder().setMaxBandwidth(1).build(),
              Samples.in(State.STATE_RESUMING),
              waiting,
              Samples.succeeded()));
    }

    @Test
    void saysSoEachTimeItBegins() {
      assertThat(migrate().err().lines())
          .containsSequence("resuming", WAITS, DECIDE, WAITS, DECIDE, "succeeded");
    }

    @Test
    void saysSoAboveTheLineOnATerminal() {
      Run run = Run.of(with("LONGSHORE_PROGRESS", "live", "COLUMNS", "40"), command());

      String erase = "\r\u001b[K";
      assertThat(run.err())
          .contains(
              erase
                  + "resuming ..."
                  + erase
                  + WAITS
                  + "\n"
                  + erase
                  + DECIDE
                  + "\n"
                  + erase
                  + "resuming waits: resuming on the target "
                  + erase);
    }
  }

  @Nested
  final class ThatFails {
    @Test
    void saysWhyWhatToDoAndWhereTheWorkloadRuns() {
      coordinator.watches.add(
          List.of(
              Samples.in(State.STATE_ROLLING_BACK),
              Samples.failed(
                  "CRIU_DUMP_FAILED", "criu dump on a gave up", "Error (criu/sk-inet.c:1): no")));

      Run run = migrate();

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err()).contains("rolling-back\nfailed\n");
      assertThat(run.out())
          .startsWith(
              """
              Migration m-1 failed, the workload runs on a as before: post-copy of pid 20001 from a to b
                CRIU_DUMP_FAILED: criu dump on a gave up
                    CRIU's own log lines
              """
                  .stripTrailing())
          .contains("  CRIU says:\n      Error (criu/sk-inet.c:1): no\n");
    }

    @Test
    void doesNotClaimThatALostWorkloadRuns() {
      coordinator.watches.add(List.of(Samples.failed("WORKLOAD_LOST", "pid 20001 was killed")));

      Run run = migrate();

      assertThat(run.out()).contains("m-1 failed: post-copy").doesNotContain("as before");
    }

    @Test
    void endsWithOneIfItIsCancelled() {
      coordinator.watches.add(
          List.of(Samples.in(State.STATE_CANCELLED).toBuilder().setDone(true).build()));

      Run run = migrate();

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.out()).contains("was cancelled, the workload runs on a as before");
    }
  }

  @Nested
  final class ThatIsRefused {
    @Test
    void namesEveryObstacleAndWhatToDo() {
      coordinator.failures.add(
          LongshoreException.of(
              List.of(
                  new Problem(Reason.PID_TAKEN, "pid 20001 is taken on b by 'sleep'"),
                  new Problem(Reason.FILE_MISSING, "/srv/data is missing on b"))));

      Run run = migrate();

      assertThat(run.status()).isEqualTo(3);
      assertThat(run.out()).isEmpty();
      assertThat(run.err())
          .isEqualTo(
              "longshore: PID_TAKEN: pid 20001 is taken on b by 'sleep'\n    "
                  + Reason.PID_TAKEN.remedy()
                  + "\nlongshore: FILE_MISSING: /srv/data is missing on b\n    "
                  + Reason.FILE_MISSING.remedy()
                  + "\n");
    }

    @Test
    void printsNoJson() {
      coordinator.failures.add(new LongshoreException(Reason.SAME_NODE, "a is source and target"));

      Run run = migrate("--json");

      assertThat(run.status()).isEqualTo(3);
      assertThat(run.out()).isEmpty();
    }

    @Test
    void endsWithTwoIfTheCoordinatorCallsAnArgumentInvalid() {
      coordinator.failures.add(
          new LongshoreException(Reason.INVALID_ARGUMENT, "service_addresses: 'x' is no CIDR"));

      assertThat(migrate("--service-ip", "x").status()).isEqualTo(2);
    }

    @Test
    void endsWithOneIfTheCoordinatorCannotReachAnAgent() {
      coordinator.failures.add(
          new LongshoreException(Reason.AGENT_UNREACHABLE, "Cannot reach target-agent b"));

      Run run = migrate();

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err()).contains("AGENT_UNREACHABLE: Cannot reach target-agent b");
    }
  }

  @Nested
  final class Detached {
    @Test
    void printsTheIdAndDoesNotWait() {
      assertThat(migrate("--detach")).isEqualTo(new Run(0, "m-1\n", ""));
    }

    @Test
    void printsTheNewMigrationAsJson() throws Exception {
      Run run = migrate("--detach", "--json");

      Migration.Builder parsed = Migration.newBuilder();
      JsonFormat.parser().merge(run.out(), parsed);
      assertThat(parsed.getState()).isEqualTo(State.STATE_PENDING);
    }
  }

  @Nested
  final class WithABrokenConnection {
    @Test
    void createsAgainWithTheSameRequestId() {
      coordinator.failures.add(new FakeCoordinator.Broken());
      coordinator.watches.add(List.of(Samples.succeeded()));

      Run run = migrate();

      assertThat(run.status()).isZero();
      assertThat(coordinator.created).hasSize(2);
      assertThat(coordinator.created.get(0)).isEqualTo(coordinator.created.get(1));
    }

    @Test
    void watchesAgain() {
      coordinator.watches.add(List.of(Samples.in(State.STATE_FREEZING)));
      coordinator.watches.add(List.of(Samples.in(State.STATE_RESTORING), Samples.succeeded()));

      Run run = migrate();

      assertThat(run.status()).isZero();
      assertThat(run.err()).endsWith("freezing\nrestoring\nsucceeded\n");
    }

    @Test
    void endsWithFourIfTheCoordinatorStaysAway() throws Exception {
      FutureTask<Run> running =
          new FutureTask<>(() -> Run.of(with("LONGSHORE_PATIENCE", "1"), command()));
      Thread.ofVirtual().start(running);
      coordinator.watched.await();
      coordinator.close();

      Run run = running.get();

      assertThat(run.status()).isEqualTo(4);
      assertThat(run.out()).isEmpty();
      assertThat(run.err())
          .endsWith(
              "longshore: lost contact with the coordinator at %s; it is not known how the migration ends. When it is back: longshore watch m-1\n"
                  .formatted(address));
    }

    @Test
    void takesTheEndFromAQuestionIfTheWatchMissedIt() {
      coordinator.migration = Samples.succeeded();
      coordinator.watches.add(List.of(Samples.in(State.STATE_FREEZING)));

      Run run = migrate();

      assertThat(run.status()).isZero();
      assertThat(run.err()).endsWith("freezing\nsucceeded\n");
    }
  }

  @Nested
  final class Traced {
    private static final String PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    @Test
    void passesTheCallersContextOn() {
      coordinator.watches.add(List.of(Samples.succeeded()));

      Run.of(with("TRACEPARENT", PARENT), command());

      assertThat(coordinator.traceParents).containsExactly(PARENT);
    }

    @Test
    void sendsNoContextIfThereIsNone() {
      coordinator.watches.add(List.of(Samples.succeeded()));

      migrate();

      assertThat(coordinator.traceParents).containsExactly("");
    }

    @Test
    void beginsASpanUnderTheCallersIfTelemetryIsSetUp() {
      coordinator.watches.add(List.of(Samples.succeeded()));

      Run.of(with("TRACEPARENT", PARENT, "OTEL_TRACES_EXPORTER", "none"), command());

      assertThat(coordinator.traceParents)
          .singleElement()
          .asString()
          .startsWith(PARENT.substring(0, 36))
          .isNotEqualTo(PARENT);
    }
  }

  private Run migrate(String... more) {
    return Run.of(with(), command(more));
  }

  private static String[] command(String... more) {
    List<String> all = new ArrayList<>(List.of("migrate"));
    all.addAll(Arrays.asList(PLAIN));
    all.addAll(Arrays.asList(more));
    return all.toArray(String[]::new);
  }

  private Map<String, String> with(String... namesAndValues) {
    Map<String, String> variables = new HashMap<>();
    variables.put("LONGSHORE_COORDINATOR", address.toString());
    for (int i = 0; i < namesAndValues.length; i += 2) {
      variables.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return variables;
  }
}
