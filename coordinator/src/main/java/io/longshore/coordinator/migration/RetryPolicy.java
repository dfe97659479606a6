package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What a failed effect means.
 *
 * @param patience how long an agent may be unreachable where the migration can still be rolled back
 * @param firstDelay wait before the first repetition
 * @param longestDelay bound of the wait, which doubles each time
 */
public record RetryPolicy(Duration patience, Duration firstDelay, Duration longestDelay) {
  public RetryPolicy {
    if (patience.isNegative()
        || !firstDelay.isPositive()
        || longestDelay.compareTo(firstDelay) < 0) {
      throw new IllegalArgumentException(
          "patience " + patience + ", delays " + firstDelay + " to " + longestDelay);
    }
  }

  enum Verdict {
    /** Wait and ask again. */
    REPEAT,
    /** Roll back. */
    FAIL,
    /** The workload is gone for certain. */
    LOSE,
    /** Another coordinator has the migration. */
    GIVE_UP
  }

  /**
   * Judges a failure. Past the step, and in a rollback, only a definite word ends the asking.
   *
   * @param failingFor how long the effect has been failing
   */
  Verdict judge(Phase phase, Effect effect, AgentException failure, Duration failingFor) {
    if (failure.reason().equals(Reason.STALE_EPOCH.name())) {
      return Verdict.GIVE_UP;
    }
    if (phase.mayRollBack()) {
      if (effect == Effect.FREEZE_SOURCE
          && failure.reason().equals(Reason.TRANSFER_BROKEN.name())) {
        // The agent's answer: a freeze is not repeated, and the workload stands still.
        return Verdict.FAIL;
      }
      return switch (failure.kind()) {
        case UNREACHABLE -> failingFor.compareTo(patience) < 0 ? Verdict.REPEAT : Verdict.FAIL;
        case TIMED_OUT, REFUSED -> Verdict.FAIL;
      };
    }
    if (effect == Effect.RESUME_TARGET
        && failure.reason().equals(Reason.CRIU_RESTORE_FAILED.name())) {
      // The target's word that it never ran and never will.
      return Verdict.FAIL;
    }
    boolean loss = failure.reason().equals(Reason.WORKLOAD_LOST.name());
    return switch (effect) {
      case RESUME_TARGET, PUSH_PAGES, COMPLETE_TARGET, ROLL_BACK_SOURCE ->
          loss ? Verdict.LOSE : Verdict.REPEAT;
      // Neither of these two owns the workload, so neither can lose it.
      case ABORT_TARGET, RELEASE_SOURCE -> Verdict.REPEAT;
      case START, PREPARE, COPY_ROUNDS, RESTORE_TARGET, FREEZE_SOURCE ->
          throw new IllegalStateException(effect + " does not run in " + phase);
    };
  }

  /**
   * How long to wait before a repetition, with jitter so that migrations do not ask in step.
   *
   * @param failures how often it failed in a row, from 1
   */
  Duration delay(int failures) {
    long bound =
        Math.min(longestDelay.toNanos(), firstDelay.toNanos() << Math.min(failures - 1, 20));
    return Duration.ofNanos(bound / 2 + ThreadLocalRandom.current().nextLong(bound / 2 + 1));
  }
}
