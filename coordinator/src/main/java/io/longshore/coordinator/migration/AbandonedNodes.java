package io.longshore.coordinator.migration;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.coordinator.agent.AgentException;
import io.longshore.platform.error.Reason;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells nodes that an operator abandoned that their copy of a workload must end: again and again
 * until each has answered, however long that takes. What has to be told is in the store.
 * Thread-safe.
 */
final class AbandonedNodes {
  private static final Logger log = LoggerFactory.getLogger(AbandonedNodes.class);

  private final MigrationStore store;
  private final AgentEffects effects;
  private final RetryPolicy policy;
  private final InstantSource clock;
  private final CountDownLatch stopped = new CountDownLatch(1);

  @GuardedBy("this")
  private final Map<String, Thread> telling = new HashMap<>();

  AbandonedNodes(
      MigrationStore store, AgentEffects effects, RetryPolicy policy, InstantSource clock) {
    this.store = store;
    this.effects = effects;
    this.policy = policy;
    this.clock = clock;
  }

  /** Goes on with what an earlier run of the coordinator did not get to. */
  void start() {
    store.fencePending().forEach(this::tell);
  }

  synchronized void stop() {
    stopped.countDown();
    telling.values().forEach(Thread::interrupt);
  }

  /** Begins to tell the node that was abandoned in this migration, which is over. */
  synchronized void tell(Migration migration) {
    if (stopped.getCount() > 0 && !telling.containsKey(migration.id())) {
      telling.put(
          migration.id(),
          Thread.ofVirtual()
              .name("fence-" + migration.id())
              .start(() -> tellUntilHeard(migration)));
    }
  }

  private void tellUntilHeard(Migration migration) {
    try {
      for (int failures = 1; !heard(migration); failures++) {
        if (stopped.await(policy.delay(failures).toNanos(), TimeUnit.NANOSECONDS)) {
          return;
        }
      }
      log.info("Migration {}: the node that was abandoned will never run it", migration.id());
    } catch (InterruptedException e) {
      log.debug("The coordinator stops", e);
    }
  }

  private boolean heard(Migration migration) throws InterruptedException {
    try {
      effects.fence(migration);
    } catch (AgentException e) {
      if (!e.reason().equals(Reason.NOT_FOUND.name())) {
        log.warn(
            "Migration {}: the node that was abandoned was not told yet: {}: {}",
            migration.id(),
            e.reason(),
            e.message());
        return false;
      }
      // It holds nothing of it: it was set up anew.
    }
    try {
      store.fenced(migration.fenced(clock.instant()));
      return true;
    } catch (RuntimeException e) {
      log.error("Migration {}: could not store that it is fenced", migration.id(), e);
      return false;
    }
  }
}
