package io.longshore.coordinator.migration;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.coordinator.agent.AgentException;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.opentelemetry.context.Scope;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives one migration: decide, store, act. Events are handled one after another under a lock, on
 * the thread that brings them; an effect's answer counts only while that effect is wanted. Safe for
 * use by several threads.
 */
final class MigrationRun implements EffectRun.Listener {
  private static final Logger log = LoggerFactory.getLogger(MigrationRun.class);

  private final MigrationStore store;
  private final AgentEffects effects;
  private final RetryPolicy policy;
  private final InstantSource clock;
  private final MigrationTrace trace;
  private final Runnable whenOver;
  private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private Migration current;

  @GuardedBy("lock")
  private final Map<Effect, EffectRun> running = new EnumMap<>(Effect.class);

  @GuardedBy("lock")
  private List<Greeting> greetings = List.of();

  /** Tells the source the newest bandwidth. */
  @GuardedBy("lock")
  private @Nullable Greeting limiting;

  @GuardedBy("lock")
  private boolean stopped;

  /**
   * @param migration as it is stored
   * @param whenOver is called once, when this run will not change the migration any more
   */
  MigrationRun(
      Migration migration,
      MigrationStore store,
      AgentEffects effects,
      RetryPolicy policy,
      InstantSource clock,
      MigrationTrace trace,
      Runnable whenOver) {
    this.current = migration;
    this.store = store;
    this.effects = effects;
    this.policy = policy;
    this.clock = clock;
    this.trace = trace;
    this.whenOver = whenOver;
  }

  /** Takes the migration up where the store says it stands. To be called once. */
  void begin() {
    lock.lock();
    try (Scope _ = trace.root().makeCurrent()) {
      if (stopped) {
        return;
      }
      log.info(
          "Migration {} ({} to {}, epoch {}) begins in {}",
          current.id(),
          current.spec().sourceNode(),
          current.spec().targetNode(),
          current.epoch(),
          current.phase());
      if (current.epoch() > 1) {
        Migration greeted = current;
        greetings =
            List.of(
                new Greeting(
                        "greet-source-" + greeted.id(), () -> effects.greetSource(greeted), policy)
                    .start(),
                new Greeting(
                        "greet-target-" + greeted.id(), () -> effects.greetTarget(greeted), policy)
                    .start());
        limit(greeted);
      }
      act();
    } finally {
      lock.unlock();
    }
  }

  /** The migration as it is now. */
  Migration current() {
    lock.lock();
    try {
      return current;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Asks for a rollback. Returns when that is stored.
   *
   * @throws LongshoreException with {@link Reason#TOO_LATE_TO_CANCEL} past the step
   */
  Migration cancel() {
    Migration after;
    boolean over;
    lock.lock();
    try (Scope _ = trace.root().makeCurrent()) {
      StateMachine.Decision decision =
          StateMachine.decide(current, new Event.Cancel(), clock.instant());
      if (decision instanceof StateMachine.Decision.TooLate) {
        throw Migrations.tooLate(current);
      }
      change(decision);
      after = current;
      over = stopped;
    } finally {
      lock.unlock();
    }
    changed(over);
    return after;
  }

  /**
   * Changes how fast it may send. Returns when that is stored.
   *
   * @throws LongshoreException with {@link Reason#WRONG_PHASE} if it is done by now
   */
  Migration limit(long maxBandwidth) {
    Migration after;
    boolean over;
    lock.lock();
    try (Scope _ = trace.root().makeCurrent()) {
      if (current.phase().done()) {
        throw Migrations.done(current);
      }
      if (stopped) {
        throw Migrations.elsewhere(current.id());
      }
      Migration next = current.limited(maxBandwidth, clock.instant());
      if (store.update(next)) {
        current = next;
        limit(next);
      } else {
        giveUp("the store has a newer epoch");
      }
      after = current;
      over = stopped;
    } finally {
      lock.unlock();
    }
    changed(over);
    return after;
  }

  /** Tells the source how fast it may send, until it has heard it. */
  @GuardedBy("lock")
  private void limit(Migration limited) {
    if (limiting != null) {
      limiting.cancel();
    }
    limiting =
        new Greeting("limit-" + limited.id(), () -> effects.limitSource(limited), policy).start();
  }

  /**
   * Takes an operator's decision. Returns when that is stored.
   *
   * @param state for which the operator was told what it means
   * @throws LongshoreException with {@link Reason#WRONG_PHASE} if it is in another by now, or the
   *     decision is none there
   */
  Migration resolve(Resolution resolution, Phase.State state) {
    Migration after;
    boolean over;
    lock.lock();
    try (Scope _ = trace.root().makeCurrent()) {
      Migrations.requireResolvable(current, resolution);
      if (current.phase().state() != state) {
        throw new LongshoreException(
            Reason.WRONG_PHASE,
            "migration '%s' is %s by now: look again at what the decision means"
                .formatted(current.id(), current.phase().state()));
      }
      resolve(StateMachine.decide(current, new Event.Resolve(resolution), clock.instant()));
      after = current;
      over = stopped;
    } finally {
      lock.unlock();
    }
    changed(over);
    return after;
  }

  /**
   * What is under way has the epoch before, and does not know of the decision: all is begun anew.
   */
  @GuardedBy("lock")
  private void resolve(StateMachine.Decision decision) {
    if (!(decision instanceof StateMachine.Decision.Change(Migration next, boolean _))) {
      return;
    }
    if (!store.resolve(next)) {
      giveUp("the store has a newer epoch");
      return;
    }
    Phase before = current.phase();
    current = next;
    running.values().forEach(EffectRun::cancel);
    running.clear();
    cancelGreetings();
    act();
    log.warn(
        "Migration {}: {} by an operator in {}, now {}",
        next.id(),
        next.resolution(),
        before,
        next.phase());
    if (next.phase().done()) {
      stopped = true;
    }
  }

  @GuardedBy("lock")
  private void cancelGreetings() {
    greetings.forEach(Greeting::cancel);
    greetings = List.of();
    if (limiting != null) {
      limiting.cancel();
      limiting = null;
    }
  }

  /**
   * Calls back after every change until {@link #unwatch}: briefly, it runs on the thread that made
   * the change.
   */
  void watch(Runnable watcher) {
    watchers.add(watcher);
  }

  void unwatch(Runnable watcher) {
    watchers.remove(watcher);
  }

  /** Ends all calls; the migration stays as it is stored. */
  void stop() {
    lock.lock();
    try {
      if (!stopped) {
        stopped = true;
        running.values().forEach(EffectRun::cancel);
        running.clear();
        cancelGreetings();
        trace.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void happened(EffectRun from, Event event) {
    boolean over;
    lock.lock();
    try {
      if (isUnwanted(from)) {
        log.debug("{} of migration {} is not wanted any more", event.kind(), current.id());
        return;
      }
      StateMachine.Decision decision =
          StateMachine.decide(current.notWaitingFor(from.effect()), event, clock.instant());
      if (event.kind() == Event.Kind.PROGRESS) {
        change(decision);
      } else {
        finish(from, decision);
      }
      over = stopped;
    } finally {
      lock.unlock();
    }
    changed(over);
  }

  @Override
  public void repeated(EffectRun from, AgentException failure) {
    boolean over;
    lock.lock();
    try {
      Optional<Waiting> before = current.waitingFor(from.effect());
      if (isUnwanted(from)
          || before.filter(known -> known.reason().equals(failure.reason())).isPresent()) {
        return;
      }
      Instant now = clock.instant();
      show(
          current.waiting(
              new Waiting(
                  from.effect(),
                  failure.reason(),
                  failure.message(),
                  before.map(Waiting::since).orElse(now))),
          now);
      over = stopped;
    } finally {
      lock.unlock();
    }
    changed(over);
  }

  /** Whether what an effect brings does not count any more. */
  @GuardedBy("lock")
  private boolean isUnwanted(EffectRun run) {
    return stopped || running.get(run.effect()) != run;
  }

  /** What is waited for is not stored, but the revision is, which must never be seen again. */
  @GuardedBy("lock")
  private void show(Migration waiting, Instant now) {
    current = waiting.changed(waiting.phase(), waiting.failure(), waiting.measurements(), now);
    storeBehind(current);
  }

  @Override
  public void superseded(EffectRun from, String message) {
    lock.lock();
    try {
      if (isUnwanted(from)) {
        return;
      }
      giveUp(message);
    } finally {
      lock.unlock();
    }
    changed(true);
  }

  /**
   * The effect has ended: the next phase may want it anew. What could not be stored it will bring
   * again.
   */
  @GuardedBy("lock")
  private void finish(EffectRun from, StateMachine.Decision decision) {
    running.remove(from.effect());
    try {
      if (decision instanceof StateMachine.Decision.Stay
          && current.waitingFor(from.effect()).isPresent()) {
        show(current.notWaitingFor(from.effect()), clock.instant());
      } else {
        change(decision);
      }
    } catch (RuntimeException e) {
      running.put(from.effect(), from);
      throw e;
    }
  }

  @GuardedBy("lock")
  private void change(StateMachine.Decision decision) {
    if (!(decision instanceof StateMachine.Decision.Change(Migration next, boolean actAtOnce))) {
      return;
    }
    Phase before = current.phase();
    if (actAtOnce) {
      current = next;
      if (next.phase() != before) {
        act();
      }
      storeBehind(next);
    } else {
      // A failure here leaves everything as it was: nothing was done that the store does not know.
      if (!store.update(next)) {
        giveUp("the store has a newer epoch");
        return;
      }
      current = next;
      act();
    }
    if (next.phase() != before) {
      report(before, next);
    }
    if (next.phase().done()) {
      stopped = true;
      cancelGreetings();
    }
  }

  /** What is stored with the next change anyway may fail to be stored now. */
  @GuardedBy("lock")
  private void storeBehind(Migration next) {
    try {
      if (!store.update(next)) {
        giveUp("the store has a newer epoch");
      }
    } catch (RuntimeException e) {
      log.warn("Could not store progress of migration {} in {}", next.id(), next.phase(), e);
    }
  }

  @GuardedBy("lock")
  private void act() {
    List<Effect> wanted = StateMachine.row(current.phase()).effects();
    running
        .values()
        .removeIf(
            run -> {
              boolean over = !wanted.contains(run.effect());
              if (over) {
                run.cancel();
              }
              return over;
            });
    for (Effect effect : wanted) {
      if (!running.containsKey(effect)) {
        EffectRun run =
            new EffectRun(
                effect, current, effects, policy, trace.enter(effect, current.phase()), this);
        running.put(effect, run);
        run.start();
      }
    }
    trace.moveTo(current);
  }

  @GuardedBy("lock")
  private void giveUp(String why) {
    log.error(
        "Migration {} was taken up by another coordinator ({}): this one lets go of it",
        current.id(),
        why);
    stopped = true;
    running.values().forEach(EffectRun::cancel);
    running.clear();
    cancelGreetings();
    trace.interrupt();
  }

  private static void report(Phase before, Migration next) {
    Failure failure = next.failure();
    if (failure != null && before.mayRollBack()) {
      log.warn(
          "Migration {}: {} -> {}: {}: {}",
          next.id(),
          before,
          next.phase(),
          failure.reason(),
          failure.message());
    } else {
      log.info("Migration {}: {} -> {}", next.id(), before, next.phase());
    }
  }

  /** After the lock was released, so that watchers never run under it. */
  private void changed(boolean over) {
    if (over) {
      whenOver.run();
    }
    watchers.forEach(Runnable::run);
  }
}
