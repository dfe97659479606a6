package io.longshore.acceptance.testbed;

import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.longshore.acceptance.testbed.ChaosEvent.Cancel;
import io.longshore.acceptance.testbed.ChaosEvent.CutApart;
import io.longshore.acceptance.testbed.ChaosEvent.CutLink;
import io.longshore.acceptance.testbed.ChaosEvent.CutOff;
import io.longshore.acceptance.testbed.ChaosEvent.FillDisk;
import io.longshore.acceptance.testbed.ChaosEvent.Hang;
import io.longshore.acceptance.testbed.ChaosEvent.Kill;
import io.longshore.acceptance.testbed.ChaosEvent.Moment;
import io.longshore.acceptance.testbed.ChaosEvent.OutOfMemory;
import io.longshore.acceptance.testbed.ChaosEvent.SetClockBack;
import io.longshore.acceptance.testbed.ChaosEvent.Side;
import io.longshore.acceptance.testbed.ChaosEvent.Victim;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Resolution;
import io.longshore.v1.Strategy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each event of the table in docs/protocol.md, "When something dies", in each state of a migration
 * (deploy/chaos --table): one migration each, of a process tree or a Redis by turns.
 */
@OnTestbed
@Order(9)
class ChaosTable {
  private static final Duration DOWN = Duration.ofMillis(200);
  private static final Duration HANGS = Duration.ofSeconds(3);
  private static final Duration FULL = Duration.ofSeconds(3);
  private static final Duration BACK = Duration.ofHours(1);
  private static final Duration LONG_CUT = Duration.ofSeconds(30);

  /** What begins to run in which state; before it cannot be killed. */
  private static final Map<Victim, State> RUNS_FROM =
      Map.of(
          Victim.KEEPER, State.STATE_FREEZING,
          Victim.CRIU_DUMP, State.STATE_FREEZING,
          Victim.CRIU_RESTORE, State.STATE_FREEZING);

  private static final Set<Strategy> IN_ROUNDS =
      Set.of(Strategy.STRATEGY_PRE_COPY, Strategy.STRATEGY_HYBRID);

  /** States, and strategies that have them; what is short is met as it begins. */
  enum When {
    PENDING(State.STATE_PENDING, Strategy.STRATEGY_HYBRID, 0),
    PREPARING(State.STATE_PREPARING, Strategy.STRATEGY_HYBRID, 20),
    COPYING(State.STATE_COPYING, Strategy.STRATEGY_PRE_COPY, 200),
    FREEZING(State.STATE_FREEZING, Strategy.STRATEGY_HYBRID, 30),
    TRANSFERRING(State.STATE_TRANSFERRING, Strategy.STRATEGY_STOP_AND_COPY, 100),
    RESTORING(State.STATE_RESTORING, Strategy.STRATEGY_POST_COPY, 0),
    RESUMING(State.STATE_RESUMING, Strategy.STRATEGY_POST_COPY, 0),
    PUSHING(State.STATE_PUSHING, Strategy.STRATEGY_POST_COPY, 100),
    RELEASING(State.STATE_RELEASING, Strategy.STRATEGY_PRE_COPY, 0),
    ROLLING_BACK(State.STATE_ROLLING_BACK, Strategy.STRATEGY_STOP_AND_COPY, 0);

    private final State state;
    private final Strategy strategy;
    private final int delayMillis;

    When(State state, Strategy strategy, int delayMillis) {
      this.state = state;
      this.strategy = strategy;
      this.delayMillis = delayMillis;
    }

    Moment moment() {
      return new Moment(state, Duration.ofMillis(delayMillis));
    }

    boolean isAfterTheStep() {
      return this == RESUMING || this == PUSHING || this == RELEASING;
    }

    boolean isPossible(Victim victim) {
      State from = RUNS_FROM.get(victim);
      return from == null || !Timeline.isBefore(state, from);
    }
  }

  private final ChaosGround ground;

  ChaosTable(Testbeds testbeds) {
    ground = ChaosGround.on(testbeds);
  }

  static Stream<Arguments> cells() {
    String only = System.getProperty("longshore.chaos.cell", "");
    List<Arguments> cells = new ArrayList<>();
    int number = 0;
    for (When when : When.values()) {
      for (List<ChaosEvent> events : events(when)) {
        String name = when + ": " + events;
        if (name.contains(only)) {
          cells.add(arguments(name, when, events, number));
        }
        // The same cell is the same migration, whichever others run.
        number++;
      }
    }
    return cells.stream();
  }

  private static List<List<ChaosEvent>> events(When when) {
    Moment at = when.moment();
    List<List<ChaosEvent>> events = new ArrayList<>();
    for (Victim victim : Victim.values()) {
      if (when.isPossible(victim)) {
        events.add(List.of(new Kill(at, victim, DOWN)));
      }
    }
    events.add(
        List.of(new Kill(at, Victim.SOURCE_AGENT, DOWN), new Kill(at, Victim.TARGET_AGENT, DOWN)));
    events.add(
        List.of(
            new Kill(at, Victim.COORDINATOR, DOWN),
            new Kill(at, Victim.SOURCE_AGENT, DOWN),
            new Kill(at, Victim.TARGET_AGENT, DOWN)));
    for (Victim victim : List.of(Victim.CRIU_DUMP, Victim.CRIU_RESTORE)) {
      if (when.isPossible(victim)) {
        Victim agent = victim == Victim.CRIU_DUMP ? Victim.SOURCE_AGENT : Victim.TARGET_AGENT;
        events.add(List.of(new Kill(at, victim, DOWN), new Kill(at, agent, DOWN)));
        events.add(List.of(new Hang(at, victim, HANGS)));
      }
    }
    for (Duration length : List.of(Duration.ofSeconds(1), Duration.ofSeconds(8))) {
      events.add(List.of(new CutLink(at, Side.SOURCE, true, false, length)));
      events.add(List.of(new CutLink(at, Side.SOURCE, false, true, length)));
      events.add(List.of(new CutLink(at, Side.TARGET, true, true, length)));
    }
    events.add(List.of(new Cancel(at)));
    events.add(List.of(new CutLink(at, Side.TARGET, true, true, LONG_CUT)));
    events.add(List.of(new CutApart(at)));
    // Of a node that owns the workload nobody can decide anything but that it is off.
    events.add(List.of(new CutOff(at, when.isAfterTheStep() ? Side.SOURCE : Side.TARGET)));
    List<Victim> services = List.of(Victim.COORDINATOR, Victim.SOURCE_AGENT, Victim.TARGET_AGENT);
    for (Victim whose : services) {
      events.add(List.of(new FillDisk(at, whose, FULL)));
    }
    events.add(List.of(new OutOfMemory(at, Victim.TARGET_AGENT, DOWN)));
    events.add(
        services.stream().map(whose -> (ChaosEvent) new SetClockBack(at, whose, BACK)).toList());
    return events;
  }

  /** Who is off for good is abandoned. */
  private static Resolution ifStranded(List<ChaosEvent> events) {
    return events.stream()
            .anyMatch(event -> event instanceof CutOff cut && cut.side() == Side.SOURCE)
        ? Resolution.RESOLUTION_ABANDON_SOURCE
        : Resolution.RESOLUTION_ABANDON_TARGET;
  }

  @AfterAll
  static void letGo() {
    ChaosGround.letGo();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cells")
  void isWholeInOnePlace(String name, When when, List<ChaosEvent> events, int number) {
    List<ChaosEvent> all = new ArrayList<>(events);
    if (when == When.ROLLING_BACK) {
      all.add(new Cancel(new Moment(State.STATE_TRANSFERRING, Duration.ofMillis(50))));
    }
    boolean redis = number % 3 == 2;
    var _ =
        ground.check(
            new ChaosScenario(
                number,
                number % 2 == 0 ? "a" : "b",
                number % 2 == 0 ? "b" : "a",
                when.strategy,
                redis,
                true,
                96,
                2,
                redis ? 0 : 1,
                IN_ROUNDS.contains(when.strategy) ? 2000 : 500,
                ifStranded(events),
                all),
            "deploy/chaos --table --cell '" + name + "'");
  }
}
