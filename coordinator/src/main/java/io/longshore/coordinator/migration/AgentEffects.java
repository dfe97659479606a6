package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.Inspection;
import io.longshore.coordinator.agent.MigrationRef;
import io.longshore.coordinator.agent.Obstacle;
import io.longshore.coordinator.agent.RoundReport;
import io.longshore.coordinator.agent.SourceAgent;
import io.longshore.coordinator.agent.TargetAgent;
import io.longshore.coordinator.agent.TransferAccess;
import io.longshore.coordinator.agent.WorkloadFacts;
import io.longshore.coordinator.node.Node;
import io.longshore.coordinator.node.NodeCapabilities;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.plan.OnNoConvergence;
import io.longshore.platform.error.Reason;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs effects by calling agents. Every method blocks and ends early when its thread is
 * interrupted.
 */
final class AgentEffects {
  private static final Logger log = LoggerFactory.getLogger(AgentEffects.class);

  /** As long as it may take to kill a workload. */
  private static final Duration ENDS_ITS_COPY = Duration.ofSeconds(15);

  private static final Duration PROGRESS_INTERVAL = Duration.ofMillis(250);

  private final Agents agents;
  private final NodeRegistry nodes;
  private final InstantSource clock;
  private final Duration linkPatience;

  /**
   * @param linkPatience how long the link between the agents may be cut where the migration can
   *     still be rolled back
   */
  AgentEffects(Agents agents, NodeRegistry nodes, InstantSource clock, Duration linkPatience) {
    this.agents = agents;
    this.nodes = nodes;
    this.clock = clock;
    this.linkPatience = linkPatience;
  }

  /**
   * Runs an effect.
   *
   * @param progress is told of what happens on the way, on this thread
   * @return the event that the effect's answer is
   */
  Event run(Effect effect, Migration migration, Consumer<Event> progress)
      throws AgentException, InterruptedException {
    MigrationSpec spec = migration.spec();
    MigrationRef ref = migration.ref();
    return switch (effect) {
      case START -> new Event.Start();
      case PREPARE -> prepare(spec, ref);
      case COPY_ROUNDS -> {
        limitSourceIfAsked(migration);
        Reports reports = new Reports(clock);
        yield copied(
            spec,
            source(spec)
                .copy(
                    ref,
                    spec.policy().forPages(),
                    spec.policy().maxRounds(),
                    spec.policy().onNoConvergence() == OnNoConvergence.THROTTLE,
                    linkPatience,
                    report -> {
                      if (reports.isDue()) {
                        progress.accept(
                            new Event.RoundProgress(
                                report, reports.rate(report.pagesSent() + report.zeroPages())));
                      }
                    }));
      }
      case RESTORE_TARGET -> new Event.Held(target(spec).restore(ref, linkPatience));
      case FREEZE_SOURCE -> {
        limitSourceIfAsked(migration);
        FreezeReport report = source(spec).freeze(ref, linkPatience);
        yield new Event.Frozen(report, clock.instant().minus(report.sinceFreeze()));
      }
      case PUSH_PAGES -> {
        Reports reports = new Reports(clock);
        yield new Event.Pushed(
            source(spec)
                .push(
                    ref,
                    migration.phase() == Phase.PUSHING,
                    migration.phase().mayRollBack() ? linkPatience : null,
                    report -> {
                      if (reports.isDue()) {
                        progress.accept(
                            new Event.Progress(report, reports.rate(report.storedPages())));
                      }
                    }));
      }
      case RESUME_TARGET -> {
        target(spec).resume(ref);
        yield new Event.Resumed(clock.instant());
      }
      case RELEASE_SOURCE -> {
        source(spec).release(ref, false);
        yield new Event.Released();
      }
      case COMPLETE_TARGET ->
          new Event.Completed(
              target(spec).complete(ref, migration.resolution() == Resolution.ABANDON_SOURCE));
      case ABORT_TARGET -> {
        target(spec).abort(ref, false);
        yield new Event.Aborted();
      }
      case ROLL_BACK_SOURCE -> {
        endAbandonedTarget(migration);
        source(spec).rollBack(ref);
        yield new Event.RolledBack();
      }
    };
  }

  /** Tells the source a new epoch. */
  void greetSource(Migration migration) throws AgentException, InterruptedException {
    source(migration.spec()).greet(migration.ref());
  }

  /** Tells the target a new epoch. */
  void greetTarget(Migration migration) throws AgentException, InterruptedException {
    target(migration.spec()).greet(migration.ref());
  }

  /** Tells the source how fast it may send. */
  void limitSource(Migration migration) throws AgentException, InterruptedException {
    source(migration.spec()).limit(migration.ref(), migration.maxBandwidth(), migration.revision());
  }

  /**
   * Before anything is sent, and again before the freeze, for it may have been changed when the
   * source did not know of the migration yet. Should it have been told of a newer one meanwhile, it
   * keeps that.
   */
  private void limitSourceIfAsked(Migration migration) throws AgentException, InterruptedException {
    if (migration.maxBandwidth() > 0) {
      limitSource(migration);
    }
  }

  /** Tells the node that an operator abandoned that its copy must end. */
  void fence(Migration migration) throws AgentException, InterruptedException {
    switch (Objects.requireNonNull(migration.resolution())) {
      case ABANDON_TARGET -> target(migration.spec()).abort(migration.ref(), true);
      case ABANDON_SOURCE -> source(migration.spec()).release(migration.ref(), true);
    }
  }

  /**
   * A target that can be reached, though an operator abandoned it, ends its copy before the source
   * lets its own run on. Of one that cannot the operator has said that it is off: it is told later.
   */
  private void endAbandonedTarget(Migration migration) throws InterruptedException {
    if (migration.resolution() != Resolution.ABANDON_TARGET || !migration.fencePending()) {
      return;
    }
    Thread telling =
        Thread.ofVirtual()
            .name("fence-" + migration.id())
            .start(Context.current().wrap(() -> tryToFence(migration)));
    try {
      if (!telling.join(ENDS_ITS_COPY)) {
        log.warn(
            "Migration {}: the target that was abandoned does not answer; the source runs on",
            migration.id());
      }
    } finally {
      telling.interrupt();
    }
  }

  private void tryToFence(Migration migration) {
    try {
      fence(migration);
    } catch (AgentException e) {
      log.warn(
          "Migration {}: the target that was abandoned was not told yet: {}: {}",
          migration.id(),
          e.reason(),
          e.message());
    } catch (InterruptedException e) {
      log.debug("The target that was abandoned takes too long", e);
    }
  }

  private Event prepare(MigrationSpec spec, MigrationRef ref)
      throws AgentException, InterruptedException {
    Inspection inspection =
        source(spec).inspect(spec.workload(), spec.container(), spec.serviceAddresses());
    if (!inspection.obstacles().isEmpty()) {
      return refusal(inspection.obstacles());
    }
    if (inspection.facts().isEmpty()) {
      return new Event.Fail(
          Failure.of(
              Reason.UNKNOWN_PROCESS,
              "source '" + spec.sourceNode() + "' could not look at the workload"));
    }
    WorkloadFacts facts = inspection.facts().get();
    Span.current()
        .setAttribute("longshore.private_bytes", facts.summary().privateBytes())
        .setAttribute("longshore.shared_bytes", facts.summary().sharedBytes());
    NodeCapabilities capabilities =
        nodes.find(spec.sourceNode()).map(Node::capabilities).orElse(NodeCapabilities.UNKNOWN);
    List<Obstacle> obstacles = target(spec).check(facts, capabilities).obstacles();
    if (!obstacles.isEmpty()) {
      return refusal(obstacles);
    }
    TransferAccess access = target(spec).prepare(ref, facts);
    source(spec).prepare(ref, spec.workload(), spec.container(), spec.serviceAddresses(), access);
    return new Event.Prepared();
  }

  private Event copied(MigrationSpec spec, RoundReport report) {
    if (report.converged()) {
      return new Event.Copied(report);
    }
    boolean lazy =
        nodes.find(spec.targetNode()).map(Node::capabilities).stream()
            .anyMatch(NodeCapabilities::lazyRestore);
    if (spec.policy().onNoConvergence() == OnNoConvergence.POST_COPY && !lazy) {
      return new Event.Fail(
          Failure.of(
              Reason.NO_CONVERGENCE,
              "the rounds did not converge: after round %d (%s) %d of %d pages were stale; target '%s' cannot restore"
                      .formatted(
                          report.round(),
                          report.end(),
                          report.stalePages(),
                          report.totalPages(),
                          spec.targetNode())
                  + " lazily (userfaultfd), so the migration cannot go on as hybrid"));
    }
    return new Event.Outpaced(report);
  }

  private static Event refusal(List<Obstacle> obstacles) {
    return new Event.Fail(
        new Failure(
            obstacles.getFirst().reason(),
            String.join("; ", obstacles.stream().map(Obstacle::message).toList()),
            List.of()));
  }

  private SourceAgent source(MigrationSpec spec) throws AgentException {
    return agents.source(spec.sourceNode());
  }

  private TargetAgent target(MigrationSpec spec) throws AgentException {
    return agents.target(spec.targetNode());
  }

  /**
   * Thins reports out, so that each that is passed on can be stored, and finds their rate. Used by
   * one thread.
   */
  private static final class Reports {
    private final InstantSource clock;
    private Instant last;
    private long lastPages = -1;

    Reports(InstantSource clock) {
      this.clock = clock;
      this.last = clock.instant();
    }

    boolean isDue() {
      return Duration.between(last, clock.instant()).compareTo(PROGRESS_INTERVAL) >= 0;
    }

    /** Bytes a second since the report before; of one that is due. */
    long rate(long pages) {
      Instant now = clock.instant();
      // What is taken up again starts high: its first report says nothing about the rate.
      long more = lastPages < 0 ? 0 : pages - lastPages;
      long millis = Math.max(1, Duration.between(last, now).toMillis());
      last = now;
      lastPages = pages;
      return Math.max(0, more) * Measurements.PAGE_BYTES * 1000 / millis;
    }
  }
}
