package io.longshore.coordinator.migration;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.Obstacle;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.plan.MigrationPlan;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.plan.Planner;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operations on migrations. Blocking; safe for use by several threads. Between {@link #start}
 * and {@link #stop} it drives every stored migration that is not done.
 */
public final class Migrations {
  private static final Logger log = LoggerFactory.getLogger(Migrations.class);

  private final MigrationStore store;
  private final Planner planner;
  private final AgentEffects effects;
  private final RetryPolicy policy;
  private final InstantSource clock;
  private final Tracer tracer;
  private final AbandonedNodes abandoned;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Map<String, MigrationRun> active = new HashMap<>();

  @GuardedBy("lock")
  private boolean stopped;

  public Migrations(
      MigrationStore store,
      Planner planner,
      Agents agents,
      NodeRegistry nodes,
      RetryPolicy policy,
      InstantSource clock,
      Tracer tracer) {
    this.store = store;
    this.planner = planner;
    this.effects = new AgentEffects(agents, nodes, clock, policy.patience());
    this.policy = policy;
    this.clock = clock;
    this.tracer = tracer;
    this.abandoned = new AbandonedNodes(store, effects, policy, clock);
  }

  /** Takes up, with a new epoch, every stored migration that is not done. */
  public void start() {
    List<Migration> found = store.takeUp(clock.instant());
    if (!found.isEmpty()) {
      log.info("Taking up {} migrations that an earlier run left", found.size());
    }
    for (Migration migration : found) {
      register(migration, MigrationTrace.takeUp(tracer, migration)).begin();
    }
    abandoned.start();
  }

  /** Ends all calls to agents. Migrations that are not done are taken up by the next run. */
  public void stop() {
    List<MigrationRun> runs;
    lock.lock();
    try {
      stopped = true;
      runs = List.copyOf(active.values());
    } finally {
      lock.unlock();
    }
    runs.forEach(MigrationRun::stop);
    abandoned.stop();
  }

  /** Says what a migration would do and what stands in its way; changes nothing. */
  public MigrationPlan plan(MigrationSpec spec) throws InterruptedException {
    return planner.plan(spec);
  }

  /**
   * Stores a migration and starts it. Repeated with the same request id and spec it returns the
   * same migration.
   *
   * @throws LongshoreException with {@link Reason#REQUEST_ID_REUSED}, or with all obstacles that
   *     the plan found
   */
  public Migration create(String requestId, MigrationSpec spec) throws InterruptedException {
    Optional<Migration> before = store.findByRequestId(requestId);
    if (before.isPresent()) {
      return repeated(before.get(), spec);
    }
    Context caller = Context.current();
    MigrationPlan plan = planner.planToStart(spec);
    if (!plan.obstacles().isEmpty()) {
      // The same call, made twice at once, may have started what is now in the way.
      Optional<Migration> meanwhile = store.findByRequestId(requestId);
      if (meanwhile.isPresent()) {
        return repeated(meanwhile.get(), spec);
      }
      throw refused(plan.obstacles());
    }
    return insert(requestId, spec, plan, caller);
  }

  private Migration insert(
      String requestId, MigrationSpec asked, MigrationPlan plan, Context caller) {
    MigrationSpec planned = plan.spec();
    String id = MigrationId.random();
    MigrationTrace trace = MigrationTrace.begin(tracer, caller, id);
    Migration migration =
        Migration.create(
            id,
            requestId,
            asked.strategy(),
            planned,
            clock.instant(),
            trace.traceParent(),
            plan.expectation().orElse(null));
    // Known before it is stored, so that whoever finds it in the store can cancel and watch it.
    MigrationRun run = register(migration, trace);
    MigrationStore.Insertion insertion;
    try {
      insertion = store.insert(migration);
    } catch (RuntimeException e) {
      run.stop();
      forget(id);
      throw e;
    }
    return switch (insertion) {
      case STORED -> {
        run.begin();
        yield migration;
      }
      case REQUEST_ID_TAKEN -> {
        run.stop();
        forget(id);
        yield repeated(store.findByRequestId(requestId).orElseThrow(), asked);
      }
      case WORKLOAD_BUSY -> {
        run.stop();
        forget(id);
        throw new LongshoreException(
            Reason.WORKLOAD_BUSY,
            "%s %s of node '%s' is being moved by another migration: see the active ones and wait or cancel"
                .formatted(
                    planned.workload().kind(), planned.workload().name(), planned.sourceNode()));
      }
    };
  }

  private static Migration repeated(Migration before, MigrationSpec spec) {
    if (!before.requestedSpec().equals(spec)) {
      throw new LongshoreException(
          Reason.REQUEST_ID_REUSED,
          "request_id '%s' was used for migration %s, which has another spec: use a new one"
              .formatted(before.requestId(), before.id()));
    }
    return before;
  }

  private static LongshoreException refused(List<Obstacle> obstacles) {
    List<Problem> problems = new ArrayList<>();
    for (Obstacle obstacle : obstacles) {
      problems.add(problem(obstacle));
    }
    return LongshoreException.of(problems);
  }

  private static Problem problem(Obstacle obstacle) {
    for (Reason reason : Reason.values()) {
      if (reason.name().equals(obstacle.reason())) {
        return new Problem(reason, obstacle.message());
      }
    }
    return new Problem(Reason.INTERNAL, obstacle.message(), Map.of("reason", obstacle.reason()));
  }

  private MigrationRun register(Migration migration, MigrationTrace trace) {
    MigrationRun run =
        new MigrationRun(
            migration, store, effects, policy, clock, trace, () -> over(migration.id()));
    lock.lock();
    try {
      if (stopped) {
        // What is stored is taken up by the next run of the coordinator.
        run.stop();
        throw new LongshoreException(
            Reason.AGENT_UNREACHABLE,
            "the coordinator is stopping: repeat the call when it is back");
      }
      active.put(migration.id(), run);
    } finally {
      lock.unlock();
    }
    return run;
  }

  private void over(String id) {
    forget(id);
    store
        .find(id)
        .filter(Migration::fencePending)
        .filter(m -> m.phase().done())
        .ifPresent(abandoned::tell);
  }

  private void forget(String id) {
    lock.lock();
    try {
      active.remove(id);
    } finally {
      lock.unlock();
    }
  }

  private Optional<MigrationRun> run(String id) {
    lock.lock();
    try {
      return Optional.ofNullable(active.get(id));
    } finally {
      lock.unlock();
    }
  }

  /**
   * The migration as it is now.
   *
   * @throws LongshoreException with {@link Reason#NOT_FOUND}
   */
  public Migration get(String id) {
    return run(id)
        .map(MigrationRun::current)
        .or(() -> store.find(id))
        .orElseThrow(
            () ->
                new LongshoreException(
                    Reason.NOT_FOUND, "there is no migration '" + id + "': list them to see ids"));
  }

  /** Migrations as they are now, the newest first, at most {@code limit}. */
  public List<Migration> list(
      MigrationStore.Filter filter, Optional<MigrationStore.Position> after, int limit) {
    return store.list(filter, after, limit).stream()
        .map(stored -> run(stored.id()).map(MigrationRun::current).orElse(stored))
        .toList();
  }

  /** Forgets the self-tests of a node that are over. */
  public void removeSelfTests(String node) {
    store.removeSelfTests(node);
  }

  /**
   * Asks for a rollback and returns when that is stored. Idempotent.
   *
   * @throws LongshoreException with {@link Reason#NOT_FOUND} or {@link Reason#TOO_LATE_TO_CANCEL}
   */
  public Migration cancel(String id) {
    Optional<MigrationRun> run = run(id);
    if (run.isPresent()) {
      return run.get().cancel();
    }
    Migration migration = get(id);
    if (!migration.phase().done()) {
      throw elsewhere(id);
    }
    if (StateMachine.decide(migration, new Event.Cancel(), clock.instant())
        instanceof StateMachine.Decision.TooLate) {
      throw tooLate(migration);
    }
    return migration;
  }

  /**
   * Changes how fast a migration may send, and returns when that is stored; the source is told at
   * once, and again until it has heard it.
   *
   * @param maxBandwidth as in the policy
   * @throws LongshoreException with {@link Reason#NOT_FOUND}, or {@link Reason#WRONG_PHASE} if it
   *     is done
   */
  public Migration limit(String id, long maxBandwidth) {
    Migration migration = get(id);
    if (migration.phase().done()) {
      throw done(migration);
    }
    return run(id).orElseThrow(() -> elsewhere(id)).limit(maxBandwidth);
  }

  static LongshoreException done(Migration migration) {
    return new LongshoreException(
        Reason.WRONG_PHASE,
        "migration '%s' is %s: there is nothing left to change"
            .formatted(migration.id(), migration.phase().state()));
  }

  static LongshoreException elsewhere(String id) {
    return new LongshoreException(
        Reason.STALE_EPOCH,
        "migration '" + id + "' is driven by another coordinator: ask that one");
  }

  /**
   * Says what an operator's decision would mean; changes nothing.
   *
   * @throws LongshoreException with {@link Reason#NOT_FOUND}, or {@link Reason#WRONG_PHASE} if the
   *     migration does not need it
   */
  public Resolvable resolvable(String id, Resolution resolution) {
    Migration migration = get(id);
    requireResolvable(migration, resolution);
    return new Resolvable(migration, Consequence.of(migration, resolution));
  }

  /**
   * Takes an operator's decision and returns when that is stored. What was decided before is
   * answered again.
   *
   * @param state for which the operator was told what it means
   */
  public Resolvable resolve(String id, Resolution resolution, Phase.State state) {
    Migration before = get(id);
    if (before.resolution() == resolution) {
      return new Resolvable(before, "This was decided before.");
    }
    requireResolvable(before, resolution);
    String consequence = Consequence.of(before, resolution);
    MigrationRun run = run(id).orElseThrow(() -> elsewhere(id));
    return new Resolvable(run.resolve(resolution, state), consequence);
  }

  /**
   * A migration that an operator may decide about.
   *
   * @param consequence what the decision means, for people
   */
  public record Resolvable(Migration migration, String consequence) {}

  static void requireResolvable(Migration migration, Resolution resolution) {
    if (!Resolution.allowed(migration).contains(resolution)) {
      throw new LongshoreException(
          Reason.WRONG_PHASE,
          "migration '%s' is %s: %s"
              .formatted(
                  migration.id(),
                  migration.phase().state(),
                  switch (resolution) {
                    case ABANDON_TARGET ->
                        "the target can be abandoned while a rollback waits for it (cancel first), and from the step on until the source may be released";
                    case ABANDON_SOURCE ->
                        "the source can be abandoned only once the workload runs on the target";
                  }));
    }
  }

  static LongshoreException tooLate(Migration migration) {
    return new LongshoreException(
        Reason.TOO_LATE_TO_CANCEL,
        "migration '%s' is %s: the workload belongs to the target '%s'"
            .formatted(migration.id(), migration.phase().state(), migration.spec().targetNode()));
  }

  /**
   * Follows a migration: {@code changed} is called after changes, possibly late and once for
   * several, until the returned handle is closed. It must not block: read the migration with {@link
   * #get} elsewhere.
   */
  public Watch watch(String id, Runnable changed) {
    Optional<MigrationRun> run = run(id);
    run.ifPresent(r -> r.watch(changed));
    return () -> run.ifPresent(r -> r.unwatch(changed));
  }

  /** Ends the following of a migration. */
  @FunctionalInterface
  public interface Watch extends AutoCloseable {
    @Override
    void close();
  }
}
