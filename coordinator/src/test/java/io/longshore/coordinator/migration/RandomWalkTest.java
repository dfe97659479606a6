package io.longshore.coordinator.migration;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.coordinator.migration.Event.Kind;
import io.longshore.coordinator.migration.StateMachine.Decision;
import io.longshore.coordinator.plan.OnNoConvergence;
import io.longshore.coordinator.plan.Strategy;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Random migrations against a model of the two agents: calls succeed, fail before or after they had
 * their effect, the coordinator is killed and goes on from what it stored. What must never be asked
 * never is, and it always ends.
 */
final class RandomWalkTest {
  private static final List<Strategy> STRATEGIES =
      List.of(Strategy.STOP_AND_COPY, Strategy.POST_COPY, Strategy.PRE_COPY, Strategy.HYBRID);

  private static final int WALKS = 20_000;
  private static final int LONGEST = 2_000;

  /** One walk. */
  private static final class Walk {
    private final Random random;
    private final List<String> timeline = new ArrayList<>();
    private Migration stored;
    private Migration current;
    private final Set<Effect> running = EnumSet.noneOf(Effect.class);
    private boolean resumed;
    private boolean pushed;
    private boolean completed;
    private boolean aborted;
    private boolean rolledBack;
    private boolean released;
    private boolean targetAbandoned;
    private boolean sourceAbandoned;

    Walk(long seed) {
      random = new Random(seed);
      Strategy strategy = STRATEGIES.get(random.nextInt(STRATEGIES.size()));
      List<OnNoConvergence> policies = List.of(OnNoConvergence.values());
      OnNoConvergence then = policies.get(random.nextInt(policies.size()));
      stored = SampleMigrations.in(Phase.PENDING, SampleMigrations.spec(strategy, then), null);
      current = stored;
      act();
    }

    void act() {
      List<Effect> wanted = StateMachine.row(current.phase()).effects();
      running.retainAll(wanted);
      running.addAll(wanted);
    }

    void step() {
      int what = random.nextInt(100);
      if (what < 4) {
        restart();
      } else if (what < 8) {
        happens(Kind.CANCEL);
      } else if (what < 10) {
        resolve(random.nextBoolean() ? Resolution.ABANDON_TARGET : Resolution.ABANDON_SOURCE);
      } else if (running.isEmpty()) {
        // It held before the pages were complete: nothing else is under way.
        restart();
      } else {
        Effect effect = new ArrayList<>(running).get(random.nextInt(running.size()));
        if (random.nextInt(100) < 85) {
          call(effect);
          running.remove(effect);
          completed |= effect == Effect.COMPLETE_TARGET;
          boolean outpaced = effect == Effect.COPY_ROUNDS && random.nextInt(3) == 0;
          happens(outpaced ? Kind.OUTPACED : answer(effect));
        } else {
          if (random.nextBoolean()) {
            call(effect);
          }
          fails(effect);
        }
      }
    }

    /** The coordinator is killed; what it did not store it does not know. */
    void restart() {
      timeline.add("restart in " + stored.phase());
      stored = stored.phase().done() ? stored : stored.takenUp(SampleMigrations.NOW);
      current = stored;
      running.clear();
      act();
    }

    /** An operator decides, where the table lets one: stored before anything is done. */
    void resolve(Resolution resolution) {
      Event event = new Event.Resolve(resolution);
      if (StateMachine.rule(current, event.kind()) == null) {
        return;
      }
      timeline.add(resolution + " in " + current.phase());
      targetAbandoned |= resolution == Resolution.ABANDON_TARGET;
      sourceAbandoned |= resolution == Resolution.ABANDON_SOURCE;
      check(!released || sourceAbandoned, "the target was abandoned after the release");
      Decision decision = StateMachine.decide(current, event, SampleMigrations.NOW);
      assertThat(decision).isInstanceOf(Decision.Change.class);
      if (decision instanceof Decision.Change(Migration next, boolean _)) {
        check(next.epoch() == current.epoch() + 1, "a decision without an epoch of its own");
        current = next;
        stored = next;
      }
      running.clear();
      act();
    }

    void fails(Effect effect) {
      timeline.add(effect + " fails");
      if (current.phase().mayRollBack() && effect != Effect.START) {
        running.remove(effect);
        happens(Kind.FAIL);
      } else if (effect == Effect.RESUME_TARGET && !resumed && random.nextBoolean()) {
        // The target's word that it never ran and never will.
        running.remove(effect);
        happens(Kind.FAIL);
      }
    }

    /** The call reaches its agent and has its effect there. */
    void call(Effect effect) {
      timeline.add(effect.toString());
      switch (effect) {
        case RESUME_TARGET -> {
          check(!aborted, "resumed after the abort");
          check(!rolledBack, "resumed after the rollback");
          resumed = true;
        }
        case ABORT_TARGET -> {
          check(!resumed, "aborted after the resume");
          aborted = true;
        }
        case ROLL_BACK_SOURCE -> {
          check(aborted || targetAbandoned, "rolled back before the abort");
          check(!sourceAbandoned, "rolled back though the source was abandoned");
          check(!released, "rolled back after the release");
          rolledBack = true;
        }
        case COPY_ROUNDS -> check(!aborted, "copied after the abort");
        case PUSH_PAGES -> pushed = true;
        case RELEASE_SOURCE -> {
          check(resumed && pushed, "released before resumed and pushed");
          check(completed, "released before the target said that every page is installed");
          released = true;
        }
        case COMPLETE_TARGET -> {
          check(resumed, "completed before resumed");
          check(pushed || sourceAbandoned, "completed before pushed");
          check(!released, "pages may be needed after the source was released");
        }
        case START, PREPARE, RESTORE_TARGET, FREEZE_SOURCE -> {}
      }
    }

    void happens(Kind kind) {
      timeline.add(kind + " in " + current.phase());
      Decision decision =
          StateMachine.decide(current, SampleMigrations.event(kind), SampleMigrations.NOW);
      if (decision instanceof Decision.Change(Migration next, boolean actAtOnce)) {
        // Acting at once means that a crash may come after the effects began and before anything is
        // stored.
        boolean changed = next.phase() != current.phase();
        current = next;
        if (!actAtOnce || random.nextInt(4) > 0) {
          stored = next;
        }
        if (changed) {
          act();
        }
      }
    }

    void check(boolean condition, String violation) {
      assertThat(condition).as("%s after %s", violation, timeline).isTrue();
    }

    void end() {
      switch (current.phase()) {
        case SUCCEEDED -> {
          check(resumed && completed && !rolledBack, "lost");
          check((pushed && released) || sourceAbandoned, "not released");
        }
        case FAILED, CANCELLED -> {
          check(!resumed || targetAbandoned, "twice");
          check(!released && !sourceAbandoned, "lost");
        }
        case PENDING,
            PREPARING,
            COPYING,
            FREEZING,
            TRANSFERRING,
            RESTORING,
            RESUMING,
            PUSHING,
            COMPLETING,
            RELEASING,
            ABORTING,
            ROLLING_BACK,
            LOST ->
            check(false, "ended in " + current.phase());
      }
    }
  }

  private static Kind answer(Effect effect) {
    return switch (effect) {
      case START -> Kind.START;
      case PREPARE -> Kind.PREPARED;
      case COPY_ROUNDS -> Kind.COPIED;
      case RESTORE_TARGET -> Kind.HELD;
      case FREEZE_SOURCE -> Kind.FROZEN;
      case PUSH_PAGES -> Kind.PUSHED;
      case RESUME_TARGET -> Kind.RESUMED;
      case RELEASE_SOURCE -> Kind.RELEASED;
      case COMPLETE_TARGET -> Kind.COMPLETED;
      case ABORT_TARGET -> Kind.ABORTED;
      case ROLL_BACK_SOURCE -> Kind.ROLLED_BACK;
    };
  }

  @Test
  void neverTwiceNeverLost() {
    long seed = new Random().nextLong();
    System.out.println("RandomWalkTest seed " + seed);
    Random seeds = new Random(seed);
    Map<Phase, Integer> ends = new HashMap<>();
    for (int i = 0; i < WALKS; i++) {
      Walk walk = new Walk(seeds.nextLong());
      for (int steps = 0; !walk.current.phase().done(); steps++) {
        assertThat(steps).as("%s", walk.timeline).isLessThan(LONGEST);
        walk.step();
      }
      walk.end();
      ends.merge(walk.current.phase(), 1, Integer::sum);
    }
    assertThat(new TreeSet<>(ends.keySet()))
        .as("the walks reach every end")
        .containsExactly(Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED);
  }
}
