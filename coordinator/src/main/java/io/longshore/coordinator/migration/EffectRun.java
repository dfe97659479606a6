package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.platform.error.Reason;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of an effect: repeats it as the policy says, on a virtual thread of its own, and hands
 * its answer to the migration's run, unless it was cancelled before.
 */
final class EffectRun implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(EffectRun.class);
  private static final AttributeKey<String> REASON = AttributeKey.stringKey("longshore.reason");
  private static final AttributeKey<String> MESSAGE = AttributeKey.stringKey("longshore.message");

  private final Effect effect;
  private final Migration migration;
  private final AgentEffects effects;
  private final RetryPolicy policy;
  private final Context context;
  private final Listener listener;
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private final Thread thread;
  private long failingSince;
  private int failures;

  /** What is done with an effect's answers. */
  interface Listener {
    /** The effect has ended with this, or this happened on its way. */
    void happened(EffectRun from, Event event);

    /** The effect has failed, once more perhaps, and is repeated. */
    void repeated(EffectRun from, AgentException failure);

    /** An agent knows a newer epoch. */
    void superseded(EffectRun from, String message);
  }

  EffectRun(
      Effect effect,
      Migration migration,
      AgentEffects effects,
      RetryPolicy policy,
      Context context,
      Listener listener) {
    this.effect = effect;
    this.migration = migration;
    this.effects = effects;
    this.policy = policy;
    this.context = context;
    this.listener = listener;
    this.thread = Thread.ofVirtual().name(migration.id() + "-" + effect).unstarted(this);
  }

  Effect effect() {
    return effect;
  }

  void start() {
    thread.start();
  }

  /**
   * Cancels the call under way and ends the repeating. An answer that is under way already must be
   * ignored.
   */
  void cancel() {
    cancelled.countDown();
    if (!thread.equals(Thread.currentThread())) {
      thread.interrupt();
    }
  }

  @Override
  public void run() {
    try (Scope _ = context.makeCurrent()) {
      while (!attempt()) {
        if (cancelled.await(policy.delay(failures).toNanos(), TimeUnit.NANOSECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      log.debug("{} of migration {} was cancelled", effect, migration.id());
    }
  }

  /** One attempt; true if it was the last. */
  private boolean attempt() throws InterruptedException {
    Event event;
    try {
      event = effects.run(effect, migration, this::progressed);
    } catch (AgentException e) {
      return failed(e);
    } catch (RuntimeException e) {
      log.error("Unexpected failure of {} of migration {}", effect, migration.id(), e);
      return failed(
          new AgentException(
              AgentException.Kind.REFUSED,
              Reason.INTERNAL.name(),
              "unexpected failure in the coordinator; see its log for migration " + migration.id(),
              List.of(),
              e));
    }
    answer(event);
    return true;
  }

  /** What goes on again has not been failing all the while. */
  private void progressed(Event report) {
    failures = 0;
    listener.happened(this, report);
  }

  /** Hands an event on until it is stored: a full disk delays a decision, it does not lose one. */
  private void answer(Event event) throws InterruptedException {
    event.why().ifPresent(EffectRun::markSpan);
    for (int tries = 1; ; tries++) {
      try {
        listener.happened(this, event);
        return;
      } catch (RuntimeException e) {
        log.error(
            "Could not store {} of migration {}, will be repeated",
            event.kind(),
            migration.id(),
            e);
      }
      if (cancelled.await(policy.delay(tries).toNanos(), TimeUnit.NANOSECONDS)) {
        return;
      }
    }
  }

  private boolean failed(AgentException e) throws InterruptedException {
    if (cancelled.getCount() == 0) {
      return true;
    }
    long now = System.nanoTime();
    if (failures++ == 0) {
      failingSince = now;
    }
    String what = effect.description() + " failed";
    RetryPolicy.Verdict verdict =
        policy.judge(migration.phase(), effect, e, Duration.ofNanos(now - failingSince));
    Optional<Event> event =
        switch (verdict) {
          case REPEAT -> Optional.empty();
          case FAIL -> Optional.of(new Event.Fail(Failure.of(what, e)));
          case LOSE -> Optional.of(new Event.Lose(loss(what, e)));
          case GIVE_UP -> {
            listener.superseded(this, e.message());
            yield Optional.empty();
          }
        };
    if (event.isPresent()) {
      answer(event.get());
      return true;
    }
    if (verdict == RetryPolicy.Verdict.REPEAT) {
      Span.current().addEvent("repeat", Attributes.of(REASON, e.reason(), MESSAGE, e.message()));
      log.warn(
          "Migration {}: {}, will be repeated: {}: {}",
          migration.id(),
          what,
          e.reason(),
          e.message());
      listener.repeated(this, e);
    }
    return verdict == RetryPolicy.Verdict.GIVE_UP;
  }

  private static void markSpan(Failure failure) {
    Span.current().setAttribute("error.type", failure.reason());
    Span.current().setStatus(StatusCode.ERROR, failure.message());
  }

  private Failure loss(String what, AgentException e) {
    String lost =
        switch (migration.phase()) {
          case ROLLING_BACK ->
              " The workload is gone from the source, and the target never ran it: nothing is left of it.";
          case PUSHING ->
              " The target owned the workload; the pages it had not yet received were on the source, whose frozen copy"
                  + " was not released.";
          case RESUMING, COMPLETING ->
              " The target owned the workload; the source's frozen copy was not released and does not run again by"
                  + " itself.";
          case PENDING,
              PREPARING,
              COPYING,
              FREEZING,
              TRANSFERRING,
              RESTORING,
              RELEASING,
              SUCCEEDED,
              ABORTING,
              FAILED,
              CANCELLED,
              LOST ->
              "";
        };
    Failure failure = Failure.of(what, e);
    return new Failure(failure.reason(), failure.message() + lost, failure.criuLog());
  }
}
