package io.longshore.coordinator.selftest;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.CanaryAgent;
import io.longshore.coordinator.agent.ContainerPolicy;
import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.migration.Failure;
import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.Migrations;
import io.longshore.coordinator.migration.Phase;
import io.longshore.coordinator.node.SelfTest;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.plan.Policy;
import io.longshore.coordinator.plan.Strategy;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has a node start a canary, moves it from the node to itself as any workload is moved, and has it
 * say whether its memory is right. Safe for use by several threads.
 */
public final class CanaryMigration {
  private static final Logger log = LoggerFactory.getLogger(CanaryMigration.class);

  /** Then it is cancelled, and counts as failed. */
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private static final Duration ROLLED_BACK = Duration.ofSeconds(15);

  private final Agents agents;
  private final Migrations migrations;
  private final InstantSource clock;

  public CanaryMigration(Agents agents, Migrations migrations, InstantSource clock) {
    this.agents = agents;
    this.migrations = migrations;
    this.clock = clock;
  }

  /**
   * Moves a canary once. Blocks until nothing is left of it, or the reason why something is left is
   * in the log.
   *
   * @param number of the migrations of this test, this one included
   * @return passed or failed
   */
  SelfTest move(String node, int number) throws InterruptedException {
    String id = "self-test-" + UUID.randomUUID();
    SelfTest.Run run = SelfTest.Run.begun(number);
    try {
      CanaryAgent canaries = agents.canaries(node);
      int pid = canaries.start(id);
      SelfTest result;
      try {
        result = migrate(node, id, pid, run);
      } catch (LongshoreException | InterruptedException e) {
        end(canaries, id);
        throw e;
      }
      if (result instanceof SelfTest.Passed) {
        canaries.end(id);
      } else {
        end(canaries, id);
      }
      return result;
    } catch (AgentException e) {
      return failed(run, e.reason(), e.message());
    } catch (LongshoreException e) {
      return failed(run, e.reason().name(), String.valueOf(e.getMessage()));
    }
  }

  SelfTest.Failed failed(SelfTest.Run run, String reason, String message) {
    return new SelfTest.Failed(run, clock.instant(), reason, message);
  }

  private SelfTest migrate(String node, String id, int pid, SelfTest.Run run)
      throws InterruptedException {
    Migration migration =
        migrations.create(
            id,
            new MigrationSpec(
                node,
                node,
                new Workload.SelfTest(pid),
                Strategy.POST_COPY,
                List.of(),
                Policy.DEFAULT,
                ContainerPolicy.DEFAULT));
    Migration last = awaitDone(migration.id(), LIMIT);
    if (!last.phase().done()) {
      cancel(last);
      return failed(
          run(run, last),
          Reason.SELF_TEST_FAILED.name(),
          "the migration was still in %s after %s".formatted(last.phase(), LIMIT));
    }
    if (last.phase() == Phase.SUCCEEDED) {
      return new SelfTest.Passed(run(run, last), clock.instant());
    }
    Failure failure = last.failure();
    return failure == null
        ? failed(run(run, last), "CANCELLED", "the migration was cancelled")
        : failed(run(run, last), failure.reason(), failure.message());
  }

  private static SelfTest.Run run(SelfTest.Run run, Migration migration) {
    Duration downtime = migration.measurements().downtime();
    return new SelfTest.Run(
        run.number(),
        migration.id(),
        Duration.between(migration.createTime(), migration.updateTime()),
        downtime == null ? Duration.ZERO : downtime);
  }

  /** And waits a while, so that the canary, which is ended next, is not frozen any more. */
  private void cancel(Migration migration) throws InterruptedException {
    try {
      var _ = migrations.cancel(migration.id());
      var _ = awaitDone(migration.id(), ROLLED_BACK);
    } catch (LongshoreException e) {
      log.warn("Cannot cancel the self-test {}: {}", migration.id(), e.getMessage());
    }
  }

  /** The migration when it is done, or as it is after some time. */
  private Migration awaitDone(String id, Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    Semaphore changed = new Semaphore(0);
    try (Migrations.Watch _ = migrations.watch(id, changed::release)) {
      Migration migration = migrations.get(id);
      while (!migration.phase().done()) {
        if (!changed.tryAcquire(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          return migrations.get(id);
        }
        changed.drainPermits();
        migration = migrations.get(id);
      }
      return migration;
    }
  }

  /** Why it is ended, or what becomes of it, is said elsewhere. */
  private static void end(CanaryAgent canaries, String id) {
    try {
      canaries.end(id);
    } catch (AgentException e) {
      log.info("The canary {} did not end well: {}", id, e.message());
    } catch (InterruptedException e) {
      // It has a time limit of its own.
      Thread.currentThread().interrupt();
    }
  }
}
