package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.ContainerPolicy;
import io.longshore.coordinator.agent.DemandFaults;
import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.PushReport;
import io.longshore.coordinator.agent.RoundReport;
import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.plan.DurationEstimate;
import io.longshore.coordinator.plan.Expectation;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.plan.OnNoConvergence;
import io.longshore.coordinator.plan.Policy;
import io.longshore.coordinator.plan.Strategy;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Migrations and events to test with. */
public final class SampleMigrations {
  static final Instant NOW = Instant.parse("2026-11-22T12:00:00Z");
  static final Failure FAILURE = Failure.of(Reason.CRIU_DUMP_FAILED, "it did");

  private SampleMigrations() {}

  public static MigrationSpec spec(int pid, Strategy strategy) {
    return new MigrationSpec(
        "a",
        "b",
        new Workload.ProcessTree(pid),
        strategy,
        List.of("10.77.0.100/24"),
        Policy.DEFAULT,
        ContainerPolicy.DEFAULT);
  }

  static MigrationSpec spec(Strategy strategy, OnNoConvergence then) {
    MigrationSpec usual = spec(4711, strategy);
    Policy policy =
        new Policy(
            usual.policy().downtimeBudget(),
            usual.policy().maxRounds(),
            usual.policy().postCopy(),
            then,
            usual.policy().maxTotalTime(),
            usual.policy().maxBandwidth());
    return new MigrationSpec(
        usual.sourceNode(),
        usual.targetNode(),
        usual.workload(),
        strategy,
        usual.serviceAddresses(),
        policy,
        usual.container());
  }

  public static Migration pending(String id, String requestId, int pid, Instant created) {
    return Migration.create(
        id,
        requestId,
        Strategy.UNSPECIFIED,
        spec(pid, Strategy.POST_COPY),
        created,
        "",
        new Expectation(estimate(80, 120, 210), estimate(1000, 2000, 3000), 1_234_567));
  }

  private static DurationEstimate estimate(long low, long expected, long high) {
    return new DurationEstimate(
        Duration.ofMillis(low), Duration.ofMillis(expected), Duration.ofMillis(high));
  }

  /** A migration that is not done. */
  public static Migration running(long revision) {
    Migration migration = pending("m-1", "r-1", 4711, NOW);
    while (migration.revision() < revision) {
      migration = migration.changed(Phase.PUSHING, null, Measurements.NONE, NOW);
    }
    return migration;
  }

  /** A migration in this phase that waits. */
  public static Migration waiting(Phase phase, String reason, String message) {
    return in(phase, Strategy.POST_COPY, null)
        .waiting(new Waiting(StateMachine.row(phase).effects().getFirst(), reason, message, NOW));
  }

  /** A migration that is done. */
  public static Migration finished(long revision) {
    return running(revision - 1).changed(Phase.SUCCEEDED, null, Measurements.NONE, NOW);
  }

  /** The same of one that was stored with that id. */
  public static Migration finished(String id, int pid, Instant created) {
    return pending(id, "r-" + id.substring(2), pid, created)
        .changed(Phase.SUCCEEDED, null, Measurements.NONE, created.plusSeconds(1));
  }

  static Migration in(Phase phase, Strategy strategy, @Nullable Failure failure) {
    return in(phase, spec(4711, strategy), failure);
  }

  static Migration in(Phase phase, MigrationSpec spec, @Nullable Failure failure) {
    Migration created =
        Migration.create("m-1", "r-1", spec.strategy(), spec, NOW, "00-ab-cd-01", null);
    return phase == Phase.PENDING
        ? created
        : created.changed(phase, failure, Measurements.NONE, NOW);
  }

  static Event event(Event.Kind kind) {
    return switch (kind) {
      case START -> new Event.Start();
      case PREPARED -> new Event.Prepared();
      case COPIED ->
          new Event.Copied(
              new RoundReport(3, 1000, 950, 1400, 200, 7000, "CONVERGED", "userfaultfd", false, 0));
      case OUTPACED ->
          new Event.Outpaced(
              new RoundReport(2, 1000, 100, 1900, 20, 8000, "NO_GAIN", "userfaultfd", false, 0));
      case FROZEN ->
          new Event.Frozen(
              new FreezeReport(Duration.ofMillis(80), Duration.ofMillis(100), 4321, 1000, 1000),
              NOW);
      case PROGRESS -> new Event.Progress(new PushReport(1000, 10, 9, 1, 40960, false, false), 77);
      case PUSHED -> new Event.Pushed(new PushReport(1000, 1000, 900, 100, 4096000, true, false));
      case HELD -> new Event.Held(Duration.ofMillis(50));
      case RESUMED -> new Event.Resumed(NOW.plusMillis(170));
      case RELEASED -> new Event.Released();
      case COMPLETED ->
          new Event.Completed(new DemandFaults(7, Duration.ofNanos(800_000), Duration.ofMillis(3)));
      case FAIL -> new Event.Fail(FAILURE);
      case LOSE -> new Event.Lose(Failure.of(Reason.WORKLOAD_LOST, "gone"));
      case CANCEL -> new Event.Cancel();
      case ABANDON_TARGET -> new Event.Resolve(Resolution.ABANDON_TARGET);
      case ABANDON_SOURCE -> new Event.Resolve(Resolution.ABANDON_SOURCE);
      case ABORTED -> new Event.Aborted();
      case ROLLED_BACK -> new Event.RolledBack();
    };
  }
}
