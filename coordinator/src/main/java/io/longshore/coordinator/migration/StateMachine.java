package io.longshore.coordinator.migration;

import static io.longshore.coordinator.migration.Effect.ABORT_TARGET;
import static io.longshore.coordinator.migration.Effect.COMPLETE_TARGET;
import static io.longshore.coordinator.migration.Effect.COPY_ROUNDS;
import static io.longshore.coordinator.migration.Effect.FREEZE_SOURCE;
import static io.longshore.coordinator.migration.Effect.PREPARE;
import static io.longshore.coordinator.migration.Effect.PUSH_PAGES;
import static io.longshore.coordinator.migration.Effect.RELEASE_SOURCE;
import static io.longshore.coordinator.migration.Effect.RESTORE_TARGET;
import static io.longshore.coordinator.migration.Effect.RESUME_TARGET;
import static io.longshore.coordinator.migration.Effect.ROLL_BACK_SOURCE;
import static io.longshore.coordinator.migration.Effect.START;
import static io.longshore.coordinator.migration.Rule.on;
import static io.longshore.coordinator.migration.Rule.whenAborting;
import static io.longshore.coordinator.migration.Rule.whenCancelled;
import static io.longshore.coordinator.migration.Rule.whenCopiedInRounds;
import static io.longshore.coordinator.migration.Rule.whenFailed;
import static io.longshore.coordinator.migration.Rule.whenFallingBackToPostCopy;
import static io.longshore.coordinator.migration.Rule.whenGoingOnAsItIs;
import static io.longshore.coordinator.migration.Rule.whenNotCopiedInRounds;
import static io.longshore.coordinator.migration.Rule.whenPushedAfterResume;
import static io.longshore.coordinator.migration.Rule.whenPushedBeforeResume;
import static io.longshore.coordinator.migration.Rule.whenSourceIsAbandoned;
import static io.longshore.coordinator.migration.Rule.whenSourceIsThere;

import io.longshore.coordinator.migration.Event.Kind;
import io.longshore.coordinator.plan.Strategy;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The states, transitions and effects of a migration: one immutable table and a pure function over
 * it.
 *
 * <p>The runner stores what is decided and then acts. To act is to have the effects of the new
 * phase running and no others: effects that the phase shares with the one before go on, so the
 * target's restore runs from the freeze until it holds. A coordinator that takes a migration up
 * runs the effects of the stored phase, all of them, again.
 *
 * <p>That the target holds the workload is never remembered. Whenever it has said so before the
 * pages were complete, it is asked once more just before the step, so the step is taken on a fresh
 * answer.
 *
 * <p>The source is released only when the target has installed every page: a workload that forks
 * while it is filled needs pages twice, and the target asks the source for them again.
 */
final class StateMachine {
  /**
   * A phase with what runs in it and where it goes.
   *
   * @param effects run while in the phase, begun in this order, all at once
   * @param rules what is answered to events; an event without a rule cannot happen in the phase
   */
  record Row(Phase phase, List<Effect> effects, List<Rule> rules) {
    Row {
      effects = List.copyOf(effects);
      rules = List.copyOf(rules);
    }
  }

  private static final Map<Phase, Row> TABLE =
      table(
          row(
              Phase.PENDING,
              List.of(START),
              on(Kind.START).to(Phase.PREPARING),
              on(Kind.CANCEL).to(Phase.CANCELLED)),
          row(
              Phase.PREPARING,
              List.of(PREPARE),
              on(Kind.PREPARED).when(whenCopiedInRounds()).to(Phase.COPYING),
              on(Kind.PREPARED).when(whenNotCopiedInRounds()).to(Phase.FREEZING),
              on(Kind.FAIL).to(Phase.ABORTING),
              on(Kind.CANCEL).to(Phase.ABORTING)),
          row(
              Phase.COPYING,
              List.of(COPY_ROUNDS),
              on(Kind.PROGRESS).keep(),
              on(Kind.COPIED).to(Phase.FREEZING),
              on(Kind.OUTPACED).when(whenGoingOnAsItIs()).to(Phase.FREEZING),
              on(Kind.OUTPACED).when(whenFallingBackToPostCopy()).toAsHybrid(Phase.FREEZING),
              on(Kind.OUTPACED).when(whenAborting()).to(Phase.ABORTING),
              on(Kind.FAIL).to(Phase.ABORTING),
              on(Kind.CANCEL).to(Phase.ABORTING)),
          row(
              Phase.FREEZING,
              List.of(RESTORE_TARGET, FREEZE_SOURCE),
              on(Kind.FROZEN).when(whenPushedBeforeResume()).toAndActAtOnce(Phase.TRANSFERRING),
              on(Kind.FROZEN).when(whenPushedAfterResume()).toAndActAtOnce(Phase.RESTORING),
              on(Kind.HELD).stay(),
              on(Kind.FAIL).to(Phase.ABORTING),
              on(Kind.CANCEL).to(Phase.ABORTING)),
          row(
              Phase.TRANSFERRING,
              List.of(RESTORE_TARGET, PUSH_PAGES),
              on(Kind.PROGRESS).keep(),
              on(Kind.PUSHED).toAndActAtOnce(Phase.RESTORING),
              on(Kind.HELD).stay(),
              on(Kind.FAIL).to(Phase.ABORTING),
              on(Kind.CANCEL).to(Phase.ABORTING)),
          row(
              Phase.RESTORING,
              List.of(RESTORE_TARGET),
              on(Kind.HELD).to(Phase.RESUMING),
              on(Kind.FAIL).to(Phase.ABORTING),
              on(Kind.CANCEL).to(Phase.ABORTING)),
          row(
              Phase.RESUMING,
              List.of(RESUME_TARGET),
              on(Kind.RESUMED).when(whenPushedBeforeResume()).to(Phase.COMPLETING),
              on(Kind.RESUMED).when(whenPushedAfterResume()).to(Phase.PUSHING),
              on(Kind.FAIL).to(Phase.ABORTING),
              on(Kind.LOSE).to(Phase.LOST),
              on(Kind.ABANDON_TARGET).to(Phase.ROLLING_BACK),
              on(Kind.CANCEL).tooLate()),
          row(
              Phase.PUSHING,
              List.of(PUSH_PAGES),
              on(Kind.PROGRESS).keep(),
              on(Kind.PUSHED).to(Phase.COMPLETING),
              on(Kind.LOSE).to(Phase.LOST),
              on(Kind.ABANDON_TARGET).to(Phase.ROLLING_BACK),
              on(Kind.ABANDON_SOURCE).to(Phase.COMPLETING),
              on(Kind.CANCEL).tooLate()),
          row(
              Phase.COMPLETING,
              List.of(COMPLETE_TARGET),
              on(Kind.COMPLETED).when(whenSourceIsThere()).to(Phase.RELEASING),
              on(Kind.COMPLETED).when(whenSourceIsAbandoned()).to(Phase.SUCCEEDED),
              on(Kind.LOSE).to(Phase.LOST),
              on(Kind.ABANDON_TARGET).when(whenSourceIsThere()).to(Phase.ROLLING_BACK),
              on(Kind.ABANDON_SOURCE).when(whenSourceIsThere()).to(Phase.COMPLETING),
              on(Kind.CANCEL).tooLate()),
          row(
              Phase.RELEASING,
              List.of(RELEASE_SOURCE),
              on(Kind.RELEASED).to(Phase.SUCCEEDED),
              on(Kind.ABANDON_SOURCE).to(Phase.SUCCEEDED),
              on(Kind.CANCEL).tooLate()),
          row(Phase.SUCCEEDED, List.of(), on(Kind.CANCEL).tooLate()),
          row(
              Phase.ABORTING,
              List.of(ABORT_TARGET),
              on(Kind.ABORTED).to(Phase.ROLLING_BACK),
              on(Kind.ABANDON_TARGET).to(Phase.ROLLING_BACK),
              on(Kind.CANCEL).stay()),
          row(
              Phase.ROLLING_BACK,
              List.of(ROLL_BACK_SOURCE),
              on(Kind.ROLLED_BACK).when(whenFailed()).to(Phase.FAILED),
              on(Kind.ROLLED_BACK).when(whenCancelled()).to(Phase.CANCELLED),
              on(Kind.LOSE).to(Phase.LOST),
              on(Kind.CANCEL).stay()),
          row(Phase.FAILED, List.of(), on(Kind.CANCEL).stay()),
          row(Phase.CANCELLED, List.of(), on(Kind.CANCEL).stay()),
          row(Phase.LOST, List.of(), on(Kind.CANCEL).tooLate()));

  private StateMachine() {}

  /** What is decided. */
  sealed interface Decision {
    /**
     * The migration changes.
     *
     * @param next what is to be stored
     * @param actAtOnce whether the effects may begin before {@code next} is durable: only where a
     *     coordinator that finds the phase before would do no harm
     */
    record Change(Migration next, boolean actAtOnce) implements Decision {}

    /** Nothing changes. */
    record Stay() implements Decision {}

    /** A cancellation comes too late. */
    record TooLate() implements Decision {}
  }

  /** The row of a phase. */
  static Row row(Phase phase) {
    Row row = TABLE.get(phase);
    if (row == null) {
      throw new IllegalStateException("the table has no row " + phase);
    }
    return row;
  }

  /** The rule for an event, null if the event cannot happen in the migration's phase. */
  static @Nullable Rule rule(Migration migration, Kind event) {
    for (Rule rule : row(migration.phase()).rules()) {
      if (rule.event() == event && rule.guard().allows(migration)) {
        return rule;
      }
    }
    return null;
  }

  /**
   * Decides what an event means. Pure.
   *
   * @throws IllegalStateException if the event cannot happen in the migration's phase
   */
  static Decision decide(Migration migration, Event event, Instant now) {
    Rule rule = rule(migration, event.kind());
    if (rule == null) {
      throw new IllegalStateException(event.kind() + " cannot happen in " + migration.phase());
    }
    return switch (rule.outcome()) {
      case Rule.GoTo(Phase phase, boolean actAtOnce) ->
          new Decision.Change(apply(migration, event, phase, now), actAtOnce);
      case Rule.GoOnAsHybrid(Phase phase) ->
          new Decision.Change(apply(migration.as(Strategy.HYBRID), event, phase, now), false);
      case Rule.Keep() ->
          new Decision.Change(apply(migration, event, migration.phase(), now), true);
      case Rule.Stay() -> new Decision.Stay();
      case Rule.TooLate() -> new Decision.TooLate();
    };
  }

  private static Migration apply(Migration migration, Event event, Phase phase, Instant now) {
    Measurements before = migration.measurements();
    Measurements measured =
        switch (event) {
          case Event.RoundProgress e -> before.copied(e.report(), e.bytesPerSecond());
          case Event.Copied e -> before.copied(e.report(), before.bytesPerSecond());
          case Event.Outpaced e -> before.copied(e.report(), before.bytesPerSecond());
          case Event.Frozen e -> before.frozen(e.report(), e.frozenAt());
          case Event.Progress e -> before.pushed(e.report(), e.bytesPerSecond());
          case Event.Pushed e -> before.pushed(e.report(), before.bytesPerSecond());
          case Event.Held e -> before.held(e.restoreTime());
          case Event.Resumed e -> before.resumed(e.at());
          case Event.Completed e -> before.completed(e.demandFaults());
          case Event.Start _,
              Event.Prepared _,
              Event.Released _,
              Event.Fail _,
              Event.Lose _,
              Event.Cancel _,
              Event.Resolve _,
              Event.Aborted _,
              Event.RolledBack _ ->
              before;
        };
    Failure failure = migration.failure();
    if (event.why().isPresent()
        && !(event instanceof Event.Resolve && migration.phase() == Phase.ABORTING)) {
      // A rollback that an operator hastens keeps its reason.
      failure = event.why().get();
    } else if (event instanceof Event.Outpaced outpaced && phase == Phase.ABORTING) {
      failure = outpaced.failure();
    }
    Migration next =
        event instanceof Event.Resolve(Resolution resolution)
            ? migration.resolved(resolution)
            : migration;
    return next.changed(phase, failure, measured, now).waitingOnlyFor(row(phase).effects());
  }

  private static Row row(Phase phase, List<Effect> effects, Rule... rules) {
    return new Row(phase, effects, List.of(rules));
  }

  private static Map<Phase, Row> table(Row... rows) {
    Map<Phase, Row> table = new EnumMap<>(Phase.class);
    for (Row row : rows) {
      if (table.put(row.phase(), row) != null) {
        throw new IllegalStateException("the table has two rows " + row.phase());
      }
    }
    return Map.copyOf(table);
  }
}
