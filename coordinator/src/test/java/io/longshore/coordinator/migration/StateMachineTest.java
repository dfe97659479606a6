package io.longshore.coordinator.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.PushReport;
import io.longshore.coordinator.migration.Event.Kind;
import io.longshore.coordinator.migration.StateMachine.Decision;
import io.longshore.coordinator.plan.OnNoConvergence;
import io.longshore.coordinator.plan.Strategy;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * The table, by stories. They note the rules they visit, and {@link #noRuleIsUnvisited} fails for
 * one that none did: a new transition needs a story.
 */
final class StateMachineTest {
  private static final Set<String> visited = new HashSet<>();

  /** Plays events and returns the phases that are passed. */
  private List<Phase> play(Strategy strategy, Kind... events) {
    return play(SampleMigrations.in(Phase.PENDING, strategy, null), events);
  }

  private List<Phase> play(Migration begun, Kind... events) {
    Migration migration = begun;
    List<Phase> phases = new ArrayList<>(List.of(migration.phase()));
    for (Kind event : events) {
      migration = step(migration, event);
      if (migration.phase() != phases.getLast()) {
        phases.add(migration.phase());
      }
    }
    return phases;
  }

  private Migration step(Migration migration, Kind kind) {
    Event event = SampleMigrations.event(kind);
    Decision decision = StateMachine.decide(migration, event, SampleMigrations.NOW);
    Rule rule = StateMachine.rule(migration, kind);
    visited.add(name(migration.phase(), rule == null ? null : rule));
    return decision instanceof Decision.Change(Migration next, boolean _) ? next : migration;
  }

  private static String name(Phase phase, @org.jspecify.annotations.Nullable Rule rule) {
    return rule == null ? "none" : phase + " on " + rule.event() + " " + rule.guard().name();
  }

  @Test
  void postCopy() {
    assertThat(
            play(
                Strategy.POST_COPY,
                Kind.START,
                Kind.PREPARED,
                Kind.FROZEN,
                Kind.HELD,
                Kind.CANCEL,
                Kind.RESUMED,
                Kind.PROGRESS,
                Kind.CANCEL,
                Kind.PUSHED,
                Kind.CANCEL,
                Kind.COMPLETED,
                Kind.CANCEL,
                Kind.RELEASED,
                Kind.CANCEL))
        .containsExactly(
            Phase.PENDING,
            Phase.PREPARING,
            Phase.FREEZING,
            Phase.RESTORING,
            Phase.RESUMING,
            Phase.PUSHING,
            Phase.COMPLETING,
            Phase.RELEASING,
            Phase.SUCCEEDED);
  }

  @Test
  void stopAndCopyWithTheTargetFasterThanTheSource() {
    assertThat(
            play(
                Strategy.STOP_AND_COPY,
                Kind.START,
                Kind.PREPARED,
                Kind.HELD,
                Kind.FROZEN,
                Kind.PROGRESS,
                Kind.HELD,
                Kind.PUSHED,
                Kind.HELD,
                Kind.RESUMED,
                Kind.COMPLETED,
                Kind.CANCEL,
                Kind.RELEASED))
        .containsExactly(
            Phase.PENDING,
            Phase.PREPARING,
            Phase.FREEZING,
            Phase.TRANSFERRING,
            Phase.RESTORING,
            Phase.RESUMING,
            Phase.COMPLETING,
            Phase.RELEASING,
            Phase.SUCCEEDED);
  }

  @Test
  void preCopySendsRoundsFirstAndHybridPushesWhatIsStaleBehindTheResume() {
    assertThat(
            play(
                Strategy.PRE_COPY,
                Kind.START,
                Kind.PREPARED,
                Kind.PROGRESS,
                Kind.COPIED,
                Kind.FROZEN,
                Kind.PUSHED,
                Kind.HELD,
                Kind.RESUMED,
                Kind.COMPLETED,
                Kind.RELEASED))
        .containsExactly(
            Phase.PENDING,
            Phase.PREPARING,
            Phase.COPYING,
            Phase.FREEZING,
            Phase.TRANSFERRING,
            Phase.RESTORING,
            Phase.RESUMING,
            Phase.COMPLETING,
            Phase.RELEASING,
            Phase.SUCCEEDED);
    assertThat(
            play(
                Strategy.HYBRID,
                Kind.START,
                Kind.PREPARED,
                Kind.COPIED,
                Kind.FROZEN,
                Kind.HELD,
                Kind.RESUMED,
                Kind.PUSHED))
        .containsExactly(
            Phase.PENDING,
            Phase.PREPARING,
            Phase.COPYING,
            Phase.FREEZING,
            Phase.RESTORING,
            Phase.RESUMING,
            Phase.PUSHING,
            Phase.COMPLETING);
  }

  @Test
  void preCopyThatDoesNotConvergeGoesOnAsHybridIsRolledBackOrForced() {
    Kind[] outpaced = {
      Kind.START, Kind.PREPARED, Kind.OUTPACED, Kind.FROZEN, Kind.HELD, Kind.RESUMED, Kind.PUSHED
    };
    for (Strategy strategy : List.of(Strategy.PRE_COPY, Strategy.HYBRID)) {
      assertThat(play(outpaced(strategy, OnNoConvergence.POST_COPY), outpaced))
          .endsWith(
              Phase.COPYING,
              Phase.FREEZING,
              Phase.RESTORING,
              Phase.RESUMING,
              Phase.PUSHING,
              Phase.COMPLETING);
      assertThat(
              play(
                  outpaced(strategy, OnNoConvergence.ABORT),
                  Kind.START,
                  Kind.PREPARED,
                  Kind.OUTPACED,
                  Kind.ABORTED,
                  Kind.ROLLED_BACK))
          .endsWith(Phase.COPYING, Phase.ABORTING, Phase.ROLLING_BACK, Phase.FAILED);
    }
    assertThat(
            play(
                outpaced(Strategy.PRE_COPY, OnNoConvergence.FORCE),
                Kind.START,
                Kind.PREPARED,
                Kind.OUTPACED,
                Kind.FROZEN))
        .endsWith(Phase.COPYING, Phase.FREEZING, Phase.TRANSFERRING);
    assertThat(play(outpaced(Strategy.HYBRID, OnNoConvergence.FORCE), outpaced))
        .endsWith(Phase.PUSHING, Phase.COMPLETING);
  }

  private static Migration outpaced(Strategy strategy, OnNoConvergence then) {
    return SampleMigrations.in(Phase.PENDING, SampleMigrations.spec(strategy, then), null);
  }

  @Test
  void theStrategyThatIsUsedIsStoredAndTheOneThatWasAskedForRemembered() {
    Migration copying =
        SampleMigrations.in(
            Phase.COPYING,
            SampleMigrations.spec(Strategy.PRE_COPY, OnNoConvergence.POST_COPY),
            null);
    Migration next = step(copying, Kind.OUTPACED);
    assertThat(next.spec()).isEqualTo(copying.spec().withStrategy(Strategy.HYBRID));
    assertThat(next.requestedSpec()).isEqualTo(copying.spec());
    assertThat(next.revision()).isEqualTo(copying.revision() + 1);
    assertThat(next.measurements().rounds().end()).isEqualTo("NO_GAIN");
    assertThat(next.failure()).isNull();
    // Stored before anything is done: a coordinator that takes it up must not push first again.
    assertThat(
            StateMachine.decide(
                copying, SampleMigrations.event(Kind.OUTPACED), SampleMigrations.NOW))
        .isEqualTo(new Decision.Change(next, false));
  }

  @Test
  void anAbortSaysHowFarTheRoundsWere() {
    Migration copying =
        SampleMigrations.in(
            Phase.COPYING, SampleMigrations.spec(Strategy.HYBRID, OnNoConvergence.ABORT), null);
    Migration next = step(copying, Kind.OUTPACED);
    assertThat(next.spec()).isEqualTo(copying.spec());
    assertThat(next.failure())
        .isEqualTo(
            Failure.of(
                Reason.NO_CONVERGENCE,
                "the rounds did not converge: after round 2 (NO_GAIN) 900 of 1000 pages were stale; the policy says to abort"));
  }

  @Test
  void failedOrCancelledInTheRounds() {
    for (Kind end : List.of(Kind.FAIL, Kind.CANCEL)) {
      assertThat(play(Strategy.HYBRID, Kind.START, Kind.PREPARED, end, Kind.ABORTED))
          .endsWith(Phase.COPYING, Phase.ABORTING, Phase.ROLLING_BACK);
    }
  }

  @Test
  void countsWhatIsMovedInRoundsAndAfterThem() {
    Migration migration = SampleMigrations.in(Phase.COPYING, Strategy.HYBRID, null);
    migration = step(migration, Kind.COPIED);
    assertThat(migration.measurements().totalPages()).isEqualTo(1000);
    assertThat(migration.measurements().movedPages()).isEqualTo(950);
    Measurements frozen =
        migration
            .measurements()
            .frozen(
                new FreezeReport(Duration.ZERO, Duration.ZERO, 0, 1010, 60), SampleMigrations.NOW);
    assertThat(frozen.totalPages()).isEqualTo(1010);
    assertThat(frozen.movedPages()).isEqualTo(950);
    Measurements pushing = frozen.pushed(new PushReport(60, 20, 20, 0, 1, false, false), 0);
    assertThat(pushing.movedPages()).isEqualTo(970);
    // The agent was restarted, and sends all.
    assertThat(frozen.pushed(new PushReport(1010, 20, 20, 0, 1, false, false), 0).movedPages())
        .isEqualTo(20);
  }

  @Test
  void cancelledBeforeItStarted() {
    assertThat(play(Strategy.POST_COPY, Kind.CANCEL, Kind.CANCEL))
        .containsExactly(Phase.PENDING, Phase.CANCELLED);
  }

  @Test
  void failedOrCancelledAnywhereBeforeTheStep() {
    for (Kind end : List.of(Kind.FAIL, Kind.CANCEL)) {
      Phase last = end == Kind.FAIL ? Phase.FAILED : Phase.CANCELLED;
      for (List<Kind> way :
          List.of(
              List.of(Kind.START),
              List.of(Kind.START, Kind.PREPARED),
              List.of(Kind.START, Kind.PREPARED, Kind.FROZEN),
              List.of(Kind.START, Kind.PREPARED, Kind.FROZEN, Kind.PUSHED))) {
        List<Kind> events = new ArrayList<>(way);
        events.addAll(
            List.of(end, Kind.CANCEL, Kind.ABORTED, Kind.CANCEL, Kind.ROLLED_BACK, Kind.CANCEL));
        assertThat(play(Strategy.STOP_AND_COPY, events.toArray(Kind[]::new)))
            .endsWith(Phase.ABORTING, Phase.ROLLING_BACK, last);
      }
    }
  }

  @Test
  void lostAfterTheStep() {
    List<Kind> resuming = List.of(Kind.START, Kind.PREPARED, Kind.FROZEN, Kind.HELD);
    List<Kind> pushing = with(resuming, Kind.RESUMED);
    List<Kind> completing = with(pushing, Kind.PUSHED);
    for (List<Kind> way : List.of(resuming, pushing, completing)) {
      assertThat(
              play(
                  Strategy.POST_COPY, with(with(way, Kind.LOSE), Kind.CANCEL).toArray(Kind[]::new)))
          .endsWith(Phase.LOST);
    }
  }

  @Test
  void neverRanOnTheTarget() {
    assertThat(
            play(
                Strategy.STOP_AND_COPY,
                Kind.START,
                Kind.PREPARED,
                Kind.FROZEN,
                Kind.PUSHED,
                Kind.HELD,
                Kind.FAIL,
                Kind.ABORTED,
                Kind.ROLLED_BACK))
        .endsWith(Phase.RESUMING, Phase.ABORTING, Phase.ROLLING_BACK, Phase.FAILED);
  }

  @Test
  void abandonedByAnOperator() {
    List<Kind> resuming = List.of(Kind.START, Kind.PREPARED, Kind.FROZEN, Kind.HELD);
    List<Kind> pushing = with(resuming, Kind.RESUMED);
    List<Kind> completing = with(pushing, Kind.PUSHED);
    for (List<Kind> way : List.of(resuming, pushing, completing)) {
      List<Kind> events = with(with(way, Kind.ABANDON_TARGET), Kind.ROLLED_BACK);
      assertThat(play(Strategy.POST_COPY, events.toArray(Kind[]::new)))
          .endsWith(Phase.ROLLING_BACK, Phase.FAILED);
    }
    assertThat(
            play(
                Strategy.POST_COPY, Kind.START, Kind.CANCEL, Kind.ABANDON_TARGET, Kind.ROLLED_BACK))
        .endsWith(Phase.ABORTING, Phase.ROLLING_BACK, Phase.CANCELLED);
    for (List<Kind> way : List.of(pushing, completing)) {
      List<Kind> events = with(with(way, Kind.ABANDON_SOURCE), Kind.COMPLETED);
      assertThat(play(Strategy.POST_COPY, events.toArray(Kind[]::new)))
          .endsWith(Phase.COMPLETING, Phase.SUCCEEDED);
    }
    List<Kind> releasing = with(completing, Kind.COMPLETED);
    assertThat(play(Strategy.POST_COPY, with(releasing, Kind.ABANDON_SOURCE).toArray(Kind[]::new)))
        .endsWith(Phase.RELEASING, Phase.SUCCEEDED);
  }

  @Test
  void aDecisionIsRememberedWithAnEpochOfItsOwn() {
    Migration migration = SampleMigrations.in(Phase.PUSHING, Strategy.POST_COPY, null);
    Migration next = step(migration, Kind.ABANDON_TARGET);
    assertThat(next.epoch()).isEqualTo(migration.epoch() + 1);
    assertThat(next.revision()).isEqualTo(migration.revision() + 1);
    assertThat(next.resolution()).isEqualTo(Resolution.ABANDON_TARGET);
    assertThat(next.fencePending()).isTrue();
    assertThat(next.failure()).isNotNull();
  }

  @Test
  void lostInTheRollback() {
    assertThat(play(Strategy.POST_COPY, Kind.START, Kind.FAIL, Kind.ABORTED, Kind.LOSE))
        .endsWith(Phase.ROLLING_BACK, Phase.LOST);
  }

  private static List<Kind> with(List<Kind> way, Kind last) {
    List<Kind> longer = new ArrayList<>(way);
    longer.add(last);
    return longer;
  }

  @AfterAll
  static void noRuleIsUnvisited() {
    Set<String> all = new HashSet<>();
    for (Phase phase : Phase.values()) {
      StateMachine.row(phase).rules().forEach(rule -> all.add(name(phase, rule)));
    }
    assertThat(visited).isEqualTo(all);
  }

  @Test
  void whatIsNotInTheTableIsRefused() {
    for (Phase phase : Phase.values()) {
      for (Kind kind : Kind.values()) {
        Migration migration = SampleMigrations.in(phase, Strategy.POST_COPY, null);
        if (StateMachine.rule(migration, kind) == null) {
          assertThatThrownBy(
                  () ->
                      StateMachine.decide(
                          migration, SampleMigrations.event(kind), SampleMigrations.NOW))
              .isInstanceOf(IllegalStateException.class)
              .hasMessage(kind + " cannot happen in " + phase);
        }
      }
    }
  }

  @Test
  void everyPhaseAnswersACancellationAndOnlyFinalOnesHaveNoEffects() {
    for (Phase phase : Phase.values()) {
      assertThat(
              StateMachine.rule(SampleMigrations.in(phase, Strategy.POST_COPY, null), Kind.CANCEL))
          .as("CANCEL in %s", phase)
          .isNotNull();
      assertThat(StateMachine.row(phase).effects().isEmpty())
          .as("%s", phase)
          .isEqualTo(phase.done());
    }
  }

  @Test
  void theStepTheRollbackAndTheReleaseAreStoredBeforeAnythingIsDone() {
    for (Phase phase : Phase.values()) {
      for (Rule rule : StateMachine.row(phase).rules()) {
        if (rule.outcome() instanceof Rule.GoTo(Phase next, boolean actAtOnce) && actAtOnce) {
          assertThat(next).as("%s", rule).isIn(Phase.TRANSFERRING, Phase.RESTORING);
        }
      }
    }
  }

  @Test
  void measuresWhatTheEventsBring() {
    Migration migration = SampleMigrations.in(Phase.PENDING, Strategy.POST_COPY, null);
    for (Kind kind :
        List.of(
            Kind.START,
            Kind.PREPARED,
            Kind.FROZEN,
            Kind.HELD,
            Kind.RESUMED,
            Kind.PROGRESS,
            Kind.PUSHED,
            Kind.COMPLETED,
            Kind.RELEASED)) {
      long before = migration.revision();
      migration = step(migration, kind);
      assertThat(migration.revision()).isEqualTo(before + 1);
    }
    Measurements measured = migration.measurements();
    assertThat(measured.downtime()).isEqualTo(Duration.ofMillis(170));
    assertThat(measured.freezeTime()).isEqualTo(Duration.ofMillis(80));
    assertThat(measured.restoreTime()).isEqualTo(Duration.ofMillis(50));
    assertThat(measured.memoryBytes()).isEqualTo(1000 * 4096 + 4321);
    assertThat(measured.push().complete()).isTrue();
    assertThat(measured.bytesPerSecond()).isEqualTo(77);
    assertThat(measured.demandFaults().count()).isEqualTo(7);
    assertThat(migration.finishTime()).isNotNull();
  }
}
