package io.longshore.coordinator.story;

import io.longshore.agent.v1.MigrationRef;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the workload is, as far as the fake agents brought it, and what was asked that must never
 * be asked.
 */
final class World {
  boolean frozen;
  boolean held;
  boolean pushed;
  boolean resumed;
  boolean completed;
  boolean released;
  boolean aborted;
  boolean rolledBack;

  /** The operator says that it will not come back: what it runs does not count. */
  boolean targetIsDead;

  /** The operator says that it will not come back: what it holds does not count. */
  boolean sourceIsDead;

  boolean targetEnded;
  boolean sourceEnded;
  private long epoch;
  private final List<String> violations = new ArrayList<>();

  /** Refuses older epochs as agents must. */
  synchronized void accept(MigrationRef migration) {
    if (migration.getEpoch() < epoch) {
      throw new LongshoreException(
          Reason.STALE_EPOCH, "epoch " + migration.getEpoch() + " is older than " + epoch);
    }
    epoch = migration.getEpoch();
  }

  synchronized void restore() {
    if (aborted) {
      throw new LongshoreException(Reason.WRONG_PHASE, "aborted");
    }
    held = true;
  }

  synchronized void freeze() {
    if (rolledBack) {
      throw new LongshoreException(Reason.WRONG_PHASE, "rolled back");
    }
    frozen = true;
  }

  synchronized void push() {
    pushed = true;
  }

  synchronized void resume() {
    require(!aborted, "ResumeWorkload after AbortTarget");
    require(held, "ResumeWorkload before the target held");
    require(!rolledBack, "ResumeWorkload after RollBackSource: two copies run");
    resumed = true;
  }

  synchronized void complete() {
    require(resumed, "CompleteTarget before ResumeWorkload");
    completed = true;
  }

  synchronized void release(boolean abandoned) {
    if (abandoned) {
      require(sourceIsDead, "the source is abandoned though no operator said so");
      sourceEnded = true;
      return;
    }
    require(resumed, "ReleaseSource before ResumeWorkload: no copy is left");
    require(pushed, "ReleaseSource before everything was pushed: pages are lost");
    require(completed, "ReleaseSource before CompleteTarget: pages may be needed again");
    released = true;
  }

  synchronized void abort(boolean abandoned) {
    if (abandoned) {
      require(targetIsDead, "the target is abandoned though no operator said so");
      targetEnded = true;
      return;
    }
    if (resumed) {
      throw new LongshoreException(Reason.ALREADY_RESUMED, "resumed");
    }
    aborted = true;
  }

  synchronized void rollBack() {
    require(aborted || targetIsDead, "RollBackSource before AbortTarget");
    require(!resumed || targetIsDead, "RollBackSource after ResumeWorkload: two copies run");
    rolledBack = true;
  }

  private synchronized void require(boolean condition, String violation) {
    if (!condition) {
      violations.add(violation);
    }
  }

  synchronized List<String> violations() {
    return List.copyOf(violations);
  }
}
