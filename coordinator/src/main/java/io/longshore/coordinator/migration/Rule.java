package io.longshore.coordinator.migration;

import io.longshore.coordinator.migration.Event.Kind;
import io.longshore.coordinator.plan.OnNoConvergence;
import io.longshore.coordinator.plan.Strategy;
import java.util.function.Predicate;

/**
 * One cell of the state machine's table.
 *
 * @param event what happens
 * @param guard for which migrations the rule is
 * @param outcome what then
 */
record Rule(Kind event, Guard guard, Outcome outcome) {
  /**
   * For which migrations a rule is.
   *
   * @param name for the diagram; empty for all
   * @param condition a function of the migration alone
   */
  record Guard(String name, Predicate<Migration> condition) {
    boolean allows(Migration migration) {
      return condition.test(migration);
    }
  }

  /** What an event leads to. */
  sealed interface Outcome {}

  /**
   * The migration goes on to a phase.
   *
   * @param actAtOnce see {@link StateMachine.Decision.Change}
   */
  record GoTo(Phase phase, boolean actAtOnce) implements Outcome {}

  /** The migration goes on to a phase, as hybrid from here on. */
  record GoOnAsHybrid(Phase phase) implements Outcome {}

  /** What was measured is kept, the phase stays. */
  record Keep() implements Outcome {}

  /** Nothing changes. */
  record Stay() implements Outcome {}

  /** A cancellation is refused. */
  record TooLate() implements Outcome {}

  static Start on(Kind event) {
    return new Start(event, new Guard("", migration -> true));
  }

  static Guard whenCopiedInRounds() {
    return new Guard("pre-copy, hybrid", m -> m.spec().strategy().hasRounds());
  }

  static Guard whenNotCopiedInRounds() {
    return new Guard("stop-and-copy, post-copy", m -> !m.spec().strategy().hasRounds());
  }

  static Guard whenPushedBeforeResume() {
    return new Guard("stop-and-copy, pre-copy", m -> m.spec().strategy().pushesBeforeResume());
  }

  static Guard whenPushedAfterResume() {
    return new Guard("post-copy, hybrid", m -> !m.spec().strategy().pushesBeforeResume());
  }

  /** Hybrid resumes first anyway: there is nothing to fall back to. */
  static Guard whenGoingOnAsItIs() {
    return new Guard(
        "force; post-copy, of hybrid",
        m ->
            then(m) == OnNoConvergence.FORCE
                || (then(m) == OnNoConvergence.POST_COPY && isHybrid(m)));
  }

  static Guard whenFallingBackToPostCopy() {
    return new Guard(
        "post-copy, of pre-copy", m -> then(m) == OnNoConvergence.POST_COPY && !isHybrid(m));
  }

  static Guard whenAborting() {
    return new Guard(
        "abort", m -> then(m) == OnNoConvergence.ABORT || then(m) == OnNoConvergence.THROTTLE);
  }

  private static OnNoConvergence then(Migration migration) {
    return migration.spec().policy().onNoConvergence();
  }

  private static boolean isHybrid(Migration migration) {
    return migration.spec().strategy() == Strategy.HYBRID;
  }

  static Guard whenSourceIsThere() {
    return new Guard("source there", m -> m.resolution() != Resolution.ABANDON_SOURCE);
  }

  static Guard whenSourceIsAbandoned() {
    return new Guard("source abandoned", m -> m.resolution() == Resolution.ABANDON_SOURCE);
  }

  static Guard whenFailed() {
    return new Guard("failed", m -> m.failure() != null);
  }

  static Guard whenCancelled() {
    return new Guard("cancelled", m -> m.failure() == null);
  }

  /** The left side of a rule. */
  record Start(Kind event, Guard guard) {
    Start when(Guard only) {
      return new Start(event, only);
    }

    Rule to(Phase phase) {
      return new Rule(event, guard, new GoTo(phase, false));
    }

    Rule toAndActAtOnce(Phase phase) {
      return new Rule(event, guard, new GoTo(phase, true));
    }

    Rule toAsHybrid(Phase phase) {
      return new Rule(event, guard, new GoOnAsHybrid(phase));
    }

    Rule keep() {
      return new Rule(event, guard, new Keep());
    }

    Rule stay() {
      return new Rule(event, guard, new Stay());
    }

    Rule tooLate() {
      return new Rule(event, guard, new TooLate());
    }
  }
}
