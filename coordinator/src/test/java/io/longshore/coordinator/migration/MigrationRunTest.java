package io.longshore.coordinator.migration;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.CanaryAgent;
import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.Inspection;
import io.longshore.coordinator.agent.LinkProfile;
import io.longshore.coordinator.agent.MigrationRef;
import io.longshore.coordinator.agent.PushReport;
import io.longshore.coordinator.agent.RoundReport;
import io.longshore.coordinator.agent.SourceAgent;
import io.longshore.coordinator.agent.TargetAgent;
import io.longshore.coordinator.agent.TargetCheck;
import io.longshore.coordinator.agent.TransferAccess;
import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.agent.WorkloadFacts;
import io.longshore.coordinator.agent.WorkloadProfile;
import io.longshore.coordinator.agent.WorkloadSummary;
import io.longshore.coordinator.node.AgentRecord;
import io.longshore.coordinator.node.NodeCapabilities;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.node.NodeStore;
import io.longshore.coordinator.plan.Strategy;
import io.longshore.platform.error.Reason;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.context.Context;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The runner with a store that fails. */
final class MigrationRunTest {
  private final List<String> timeline = new CopyOnWriteArrayList<>();
  private final FailingStore store = new FailingStore();

  /** Notes what is stored, and fails for one phase as often as it is told. */
  private final class FailingStore implements MigrationStore {
    volatile Phase failing = Phase.SUCCEEDED;
    final AtomicInteger failures = new AtomicInteger();
    volatile boolean superseded = false;

    @Override
    public boolean update(Migration migration) {
      if (migration.phase() == failing && failures.getAndDecrement() > 0) {
        timeline.add("not stored " + migration.phase());
        throw new IllegalStateException("disk full");
      }
      if (superseded) {
        return false;
      }
      timeline.add("stored " + migration.phase());
      return true;
    }

    @Override
    public Insertion insert(Migration migration) {
      return Insertion.STORED;
    }

    @Override
    public boolean resolve(Migration migration) {
      return update(migration);
    }

    @Override
    public void fenced(Migration migration) {
      timeline.add("fenced");
    }

    @Override
    public List<Migration> fencePending() {
      return List.of();
    }

    @Override
    public List<Migration> takeUp(Instant now) {
      return List.of();
    }

    @Override
    public Optional<Migration> find(String id) {
      return Optional.empty();
    }

    @Override
    public Optional<Migration> findByRequestId(String requestId) {
      return Optional.empty();
    }

    @Override
    public List<Migration> list(Filter filter, Optional<Position> after, int limit) {
      return List.of();
    }

    @Override
    public List<Migration> succeeded(String sourceNode, String targetNode, int limit) {
      return List.of();
    }

    @Override
    public void removeSelfTests(String node) {}
  }

  private record Facts(WorkloadSummary summary) implements WorkloadFacts {}

  private final class Source implements SourceAgent {
    @Override
    public WorkloadProfile profile(Workload workload, Duration time) {
      throw new AssertionError("nobody asked for a plan");
    }

    @Override
    public LinkProfile probe(String transferEndpoint) {
      throw new AssertionError("nobody asked for a plan");
    }

    @Override
    public Inspection inspect(Workload workload, List<String> serviceAddresses) {
      return new Inspection(
          Optional.of(new Facts(new WorkloadSummary("x", 1, 1, 1, 1, 0))), List.of());
    }

    @Override
    public void prepare(
        MigrationRef migration,
        Workload workload,
        List<String> serviceAddresses,
        TransferAccess target) {
      timeline.add("prepared");
    }

    @Override
    public RoundReport copy(
        MigrationRef migration,
        Duration downtimeBudget,
        int maxRounds,
        Duration linkPatience,
        Consumer<RoundReport> progress) {
      timeline.add("copied");
      return RoundReport.NONE;
    }

    @Override
    public FreezeReport freeze(MigrationRef migration, Duration linkPatience) {
      timeline.add("frozen");
      return new FreezeReport(Duration.ZERO, Duration.ZERO, 0, 1, 1);
    }

    @Override
    public PushReport push(
        MigrationRef migration,
        boolean resumed,
        @Nullable Duration linkPatience,
        Consumer<PushReport> progress) {
      timeline.add("pushed");
      return new PushReport(1, 1, 1, 0, 4096, true, false);
    }

    @Override
    public void limit(MigrationRef migration, long maxBandwidth, long revision) {
      timeline.add("limited");
    }

    @Override
    public void release(MigrationRef migration, boolean abandoned) {
      timeline.add("released");
    }

    @Override
    public void rollBack(MigrationRef migration) {
      timeline.add("rolled back");
    }

    @Override
    public void greet(MigrationRef migration) {
      timeline.add("greeted the source");
    }
  }

  /** What the target answers when it is to let the workload run. */
  private @Nullable AgentException unable;

  private final class Target implements TargetAgent {
    @Override
    public TargetCheck check(WorkloadFacts facts, NodeCapabilities source) {
      return new TargetCheck(List.of(), "x:1");
    }

    @Override
    public TransferAccess prepare(MigrationRef migration, WorkloadFacts facts) {
      return new TransferAccess("x:1", new byte[1]);
    }

    @Override
    public Duration restore(MigrationRef migration) {
      return Duration.ZERO;
    }

    @Override
    public void resume(MigrationRef migration) throws AgentException {
      if (unable != null) {
        timeline.add("not resumed");
        throw unable;
      }
      timeline.add("resumed");
    }

    @Override
    public long complete(MigrationRef migration, boolean sourceAbandoned) {
      timeline.add("completed");
      return 0;
    }

    @Override
    public void abort(MigrationRef migration, boolean abandoned) {
      timeline.add("aborted");
    }

    @Override
    public void greet(MigrationRef migration) {
      timeline.add("greeted the target");
    }
  }

  private MigrationRun run(Runnable whenOver) {
    NodeRegistry nodes =
        new NodeRegistry(
            new NodeStore() {
              @Override
              public List<AgentRecord> load() {
                return List.of();
              }

              @Override
              public void save(AgentRecord agent) {}
            },
            InstantSource.system(),
            Duration.ofSeconds(5),
            false);
    Agents agents =
        new Agents() {
          @Override
          public SourceAgent source(String node) {
            return new Source();
          }

          @Override
          public CanaryAgent canaries(String node) {
            throw new UnsupportedOperationException();
          }

          @Override
          public TargetAgent target(String node) {
            return new Target();
          }
        };
    return new MigrationRun(
        SampleMigrations.in(Phase.PENDING, Strategy.POST_COPY, null),
        store,
        new AgentEffects(agents, nodes, InstantSource.system(), Duration.ofSeconds(1)),
        new RetryPolicy(Duration.ofSeconds(1), Duration.ofMillis(1), Duration.ofMillis(10)),
        InstantSource.system(),
        MigrationTrace.begin(OpenTelemetry.noop().getTracer("test"), Context.root(), "m-1"),
        whenOver);
  }

  private void playUntil(Phase last) {
    MigrationRun run = run(() -> {});
    run.begin();
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(run.current().phase()).isEqualTo(last));
  }

  @Test
  void aStepThatCannotBeStoredIsNotTakenUntilItCan() {
    store.failing = Phase.RESUMING;
    store.failures.set(3);
    playUntil(Phase.SUCCEEDED);

    assertThat(timeline)
        .containsSubsequence(
            "not stored RESUMING",
            "not stored RESUMING",
            "not stored RESUMING",
            "stored RESUMING",
            "resumed");
    assertThat(timeline.indexOf("resumed")).isGreaterThan(timeline.indexOf("stored RESUMING"));
  }

  @Test
  void whatNeverRanOnTheTargetIsRolledBackEvenAfterTheStep() {
    unable = refused(Reason.CRIU_RESTORE_FAILED);
    playUntil(Phase.FAILED);

    assertThat(timeline)
        .containsSubsequence("stored RESUMING", "not resumed", "aborted", "rolled back")
        .doesNotContain("released");
  }

  @Test
  void whatMayHaveRunOnTheTargetIsNeverRolledBack() {
    unable = refused(Reason.WORKLOAD_LOST);
    playUntil(Phase.LOST);

    assertThat(timeline)
        .contains("not resumed")
        .doesNotContain("aborted", "rolled back", "released");
  }

  private static AgentException refused(Reason reason) {
    return new AgentException(
        AgentException.Kind.REFUSED,
        reason.name(),
        "told to by the test",
        List.of(),
        new IOException());
  }

  @Test
  void everyDecisionButThoseMarkedIsStoredBeforeItIsActedUpon() {
    playUntil(Phase.SUCCEEDED);

    assertThat(timeline)
        .containsSubsequence("stored PREPARING", "prepared", "stored FREEZING", "frozen")
        .containsSubsequence("stored RESUMING", "resumed", "stored PUSHING", "pushed")
        .containsSubsequence("stored COMPLETING", "completed", "stored RELEASING", "released");
  }

  @Test
  void aMigrationThatAnotherCoordinatorTookUpIsLetGo() {
    store.superseded = true;
    List<String> over = new CopyOnWriteArrayList<>();
    run(() -> over.add("over")).begin();

    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(over).containsExactly("over"));
    assertThat(timeline).isEmpty();
  }
}
