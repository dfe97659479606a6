package io.longshore.coordinator.migration;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.CanaryAgent;
import io.longshore.coordinator.agent.ContainerPolicy;
import io.longshore.coordinator.agent.DemandFaults;
import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.Inspection;
import io.longshore.coordinator.agent.LinkProfile;
import io.longshore.coordinator.agent.ListedWorkload;
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
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.awaitility.core.ThrowingRunnable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The runner with a store that fails. */
final class MigrationRunTest {
  private final List<String> timeline = new CopyOnWriteArrayList<>();
  private final FailingStore store = new FailingStore();

  /** What agents answer instead of doing what the timeline calls so. */
  private final Map<String, AgentException> failing = new ConcurrentHashMap<>();

  private volatile CountDownLatch freezing = new CountDownLatch(0);
  private volatile CountDownLatch pushing = new CountDownLatch(0);

  private void failIfTold(String what) throws AgentException {
    AgentException failure = failing.get(what);
    if (failure != null) {
      timeline.add("not " + what);
      throw failure;
    }
  }

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
    public List<ListedWorkload> list() {
      throw new AssertionError("nobody asked for a list");
    }

    @Override
    public Inspection inspect(
        Workload workload, ContainerPolicy container, List<String> serviceAddresses) {
      return new Inspection(
          Optional.of(new Facts(new WorkloadSummary("x", 1, 1, 1, 1, 0))), List.of());
    }

    @Override
    public void prepare(
        MigrationRef migration,
        Workload workload,
        ContainerPolicy container,
        List<String> serviceAddresses,
        TransferAccess target) {
      timeline.add("prepared");
    }

    @Override
    public RoundReport copy(
        MigrationRef migration,
        Duration pageBudget,
        int maxRounds,
        boolean throttle,
        Duration linkPatience,
        Consumer<RoundReport> progress) {
      timeline.add("copied");
      return RoundReport.NONE;
    }

    @Override
    public FreezeReport freeze(MigrationRef migration, Duration linkPatience)
        throws InterruptedException {
      freezing.await();
      timeline.add("frozen");
      return new FreezeReport(Duration.ZERO, Duration.ZERO, 0, 1, 1);
    }

    @Override
    public PushReport push(
        MigrationRef migration,
        boolean resumed,
        @Nullable Duration linkPatience,
        Consumer<PushReport> progress)
        throws AgentException, InterruptedException {
      failIfTold("pushed");
      while (!pushing.await(10, TimeUnit.MILLISECONDS)) {
        progress.accept(new PushReport(2, 1, 1, 0, 4096, false, false));
      }
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
    public Duration restore(MigrationRef migration, Duration linkPatience) throws AgentException {
      failIfTold("restored");
      return Duration.ZERO;
    }

    @Override
    public void resume(MigrationRef migration) throws AgentException {
      failIfTold("resumed");
      timeline.add("resumed");
    }

    @Override
    public DemandFaults complete(MigrationRef migration, boolean sourceAbandoned) {
      timeline.add("completed");
      return DemandFaults.NONE;
    }

    @Override
    public void abort(MigrationRef migration, boolean abandoned) throws AgentException {
      failIfTold("aborted");
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
    awaitPhase(run, last);
  }

  private static void awaitPhase(MigrationRun run, Phase phase) {
    await(() -> assertThat(run.current().phase()).isEqualTo(phase));
  }

  private static void await(ThrowingRunnable assertion) {
    Awaitility.await().atMost(Duration.ofSeconds(10)).untilAsserted(assertion);
  }

  private void awaitRepeated(String what) {
    long before = count(what);
    await(() -> assertThat(count(what)).isGreaterThan(before + 5));
  }

  private long count(String what) {
    return timeline.stream().filter(what::equals).count();
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
    failing.put("resumed", refused(Reason.CRIU_RESTORE_FAILED));
    playUntil(Phase.FAILED);

    assertThat(timeline)
        .containsSubsequence("stored RESUMING", "not resumed", "aborted", "rolled back")
        .doesNotContain("released");
  }

  @Test
  void whatMayHaveRunOnTheTargetIsNeverRolledBack() {
    failing.put("resumed", refused(Reason.WORKLOAD_LOST));
    playUntil(Phase.LOST);

    assertThat(timeline)
        .contains("not resumed")
        .doesNotContain("aborted", "rolled back", "released");
  }

  private static AgentException refused(Reason reason) {
    return failed(AgentException.Kind.REFUSED, reason);
  }

  private static AgentException unreachable() {
    return failed(AgentException.Kind.UNREACHABLE, Reason.AGENT_UNREACHABLE);
  }

  private static AgentException failed(AgentException.Kind kind, Reason reason) {
    return new AgentException(
        kind, reason.name(), "told to by the test", List.of(), new IOException());
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

  @Test
  void whatIsRepeatedIsShownOnceForEachReasonUntilItSucceeds() {
    failing.put("resumed", refused(Reason.RAN_IN_PART));
    AtomicInteger told = new AtomicInteger();
    MigrationRun run = run(() -> {});
    run.watch(told::incrementAndGet);
    run.begin();

    awaitRepeated("not resumed");
    int before = told.get();
    awaitRepeated("not resumed");
    assertThat(told.get()).isEqualTo(before);
    Waiting first = run.current().waiting().getFirst();
    assertThat(run.current().waiting()).hasSize(1);
    assertThat(first.what()).isEqualTo("resuming on the target");
    assertThat(first.reason()).isEqualTo("RAN_IN_PART");
    assertThat(first.message()).isEqualTo("told to by the test");
    failing.put("resumed", unreachable());
    awaitRepeated("not resumed");
    assertThat(told.get()).isEqualTo(before + 1);
    assertThat(run.current().waiting())
        .containsExactly(
            new Waiting(
                Effect.RESUME_TARGET, "AGENT_UNREACHABLE", "told to by the test", first.since()));
    failing.clear();
    awaitPhase(run, Phase.SUCCEEDED);

    assertThat(run.current().waiting()).isEmpty();
    // The revision is stored with it.
    assertThat(count("stored RESUMING")).isEqualTo(3);
  }

  @Test
  void whatGetsOnIsNotWaitedForAnyMore() {
    failing.put("pushed", unreachable());
    pushing = new CountDownLatch(1);
    MigrationRun run = run(() -> {});
    run.begin();
    await(() -> assertThat(run.current().waiting()).hasSize(1));

    failing.clear();
    await(() -> assertThat(run.current().waiting()).isEmpty());
    assertThat(run.current().phase()).isEqualTo(Phase.PUSHING);
    pushing.countDown();
    awaitPhase(run, Phase.SUCCEEDED);
  }

  @Test
  void whatEndsWithoutAChangeOfThePhaseIsNotWaitedForAnyMore() {
    failing.put("restored", unreachable());
    freezing = new CountDownLatch(1);
    MigrationRun run = run(() -> {});
    run.begin();
    await(() -> assertThat(run.current().waiting()).hasSize(1));
    long revision = run.current().revision();

    failing.clear();
    await(() -> assertThat(run.current().waiting()).isEmpty());
    assertThat(run.current().phase()).isEqualTo(Phase.FREEZING);
    assertThat(run.current().revision()).isEqualTo(revision + 1);
    freezing.countDown();
    awaitPhase(run, Phase.SUCCEEDED);
  }

  @Test
  void whatIsNotWantedAnyMoreIsNotWaitedFor() {
    failing.put("restored", unreachable());
    freezing = new CountDownLatch(1);
    failing.put("aborted", refused(Reason.JOURNAL_FAILED));
    MigrationRun run = run(() -> {});
    run.begin();
    await(() -> assertThat(run.current().waiting()).hasSize(1));

    run.cancel();
    await(
        () ->
            assertThat(run.current().waiting())
                .extracting(Waiting::effect)
                .containsExactly(Effect.ABORT_TARGET));
    assertThat(Resolution.allowed(run.current())).containsExactly(Resolution.ABANDON_TARGET);
    assertThat(run.resolve(Resolution.ABANDON_TARGET, Phase.State.ROLLING_BACK).waiting())
        .isEmpty();
    awaitPhase(run, Phase.CANCELLED);
  }
}
