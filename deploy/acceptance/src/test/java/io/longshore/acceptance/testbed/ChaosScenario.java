package io.longshore.acceptance.testbed;

import io.longshore.acceptance.testbed.ChaosEvent.CutLink;
import io.longshore.acceptance.testbed.ChaosEvent.Kill;
import io.longshore.acceptance.testbed.ChaosEvent.Moment;
import io.longshore.acceptance.testbed.ChaosEvent.Side;
import io.longshore.acceptance.testbed.ChaosEvent.Victim;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Resolution;
import io.longshore.v1.Strategy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What is moved how, and what is done to it meanwhile. Everything follows from the seed.
 *
 * @param redis whether a Redis with clients is moved, else a process tree that checks its memory
 * @param ifStranded what an operator decides if the migration comes to wait for one
 */
record ChaosScenario(
    long seed,
    String source,
    String target,
    Strategy strategy,
    boolean redis,
    boolean address,
    int mebibytes,
    int threads,
    int children,
    int dirtyPagesPerSecond,
    Resolution ifStranded,
    List<ChaosEvent> events) {
  private static final List<Strategy> STRATEGIES =
      List.of(
          Strategy.STRATEGY_STOP_AND_COPY,
          Strategy.STRATEGY_PRE_COPY,
          Strategy.STRATEGY_POST_COPY,
          Strategy.STRATEGY_HYBRID,
          Strategy.STRATEGY_HYBRID);

  /** Of every migration. */
  private static final List<State> STATES =
      List.of(
          State.STATE_PENDING,
          State.STATE_PREPARING,
          State.STATE_FREEZING,
          State.STATE_FREEZING,
          State.STATE_RESTORING,
          State.STATE_RESUMING);

  private static final List<Victim> VICTIMS =
      List.of(
          Victim.COORDINATOR,
          Victim.COORDINATOR,
          Victim.SOURCE_AGENT,
          Victim.SOURCE_AGENT,
          Victim.TARGET_AGENT,
          Victim.TARGET_AGENT,
          Victim.KEEPER,
          Victim.CRIU_DUMP,
          Victim.CRIU_RESTORE);

  ChaosScenario {
    events = List.copyOf(events);
  }

  static ChaosScenario of(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    boolean fromA = random.nextBoolean();
    Strategy strategy = STRATEGIES.get(random.nextInt(STRATEGIES.size()));
    boolean redis = random.nextInt(8) == 0;
    return new ChaosScenario(
        seed,
        fromA ? "a" : "b",
        fromA ? "b" : "a",
        strategy,
        redis,
        redis || random.nextInt(3) == 0,
        16 + random.nextInt(177),
        1 + random.nextInt(3),
        random.nextInt(3),
        200 << random.nextInt(6),
        random.nextInt(4) == 0
            ? Resolution.RESOLUTION_ABANDON_SOURCE
            : Resolution.RESOLUTION_ABANDON_TARGET,
        events(random, strategy));
  }

  private static List<ChaosEvent> events(SplittableRandom random, Strategy strategy) {
    int count = 1 + List.of(0, 0, 0, 1, 1, 2).get(random.nextInt(6));
    List<ChaosEvent> events = new ArrayList<>();
    while (events.size() < count) {
      Moment at = moment(random, strategy);
      ChaosEvent event =
          switch (random.nextInt(12)) {
            case 0 -> new ChaosEvent.Cancel(at);
            case 1, 2 -> cut(random, at);
            default ->
                new Kill(
                    at,
                    VICTIMS.get(random.nextInt(VICTIMS.size())),
                    upTo(random, random.nextBoolean() ? 200 : 3000));
          };
      if (!isDocumentedAsLost(event, events)) {
        events.add(event);
      }
    }
    return events;
  }

  /**
   * docs/protocol.md: keeper and target-agent together hold the memory; without both it is zeros.
   */
  private static boolean isDocumentedAsLost(ChaosEvent event, List<ChaosEvent> others) {
    List<ChaosEvent> all = new ArrayList<>(others);
    all.add(event);
    return kills(all, Victim.KEEPER) && kills(all, Victim.TARGET_AGENT);
  }

  private static boolean kills(List<ChaosEvent> events, Victim victim) {
    return events.stream().anyMatch(each -> each instanceof Kill kill && kill.victim() == victim);
  }

  private static ChaosEvent cut(SplittableRandom random, Moment at) {
    int directions = 1 + random.nextInt(3);
    return new CutLink(
        at,
        random.nextBoolean() ? Side.SOURCE : Side.TARGET,
        (directions & 1) != 0,
        (directions & 2) != 0,
        Duration.ofMillis(200 + random.nextInt(2801)));
  }

  /** Delays as long as the states usually last, so that each part of a migration gets its share. */
  private static Moment moment(SplittableRandom random, Strategy strategy) {
    List<State> states = new ArrayList<>(STATES);
    if (strategy == Strategy.STRATEGY_PRE_COPY || strategy == Strategy.STRATEGY_HYBRID) {
      states.addAll(List.of(State.STATE_COPYING, State.STATE_COPYING));
    }
    states.add(
        strategy == Strategy.STRATEGY_STOP_AND_COPY || strategy == Strategy.STRATEGY_PRE_COPY
            ? State.STATE_TRANSFERRING
            : State.STATE_PUSHING);
    State state = states.get(random.nextInt(states.size()));
    int lasts =
        switch (state) {
          case STATE_PREPARING, STATE_RESTORING -> 100;
          case STATE_FREEZING -> 250;
          case STATE_RESUMING -> 50;
          case STATE_COPYING, STATE_TRANSFERRING, STATE_PUSHING -> 1500;
          default -> 2000;
        };
    return new Moment(state, upTo(random, lasts));
  }

  private static Duration upTo(SplittableRandom random, int milliseconds) {
    return Duration.ofMillis(random.nextInt(milliseconds + 1));
  }

  /** The name of a service, as deploy/testbed has it. */
  String service(Victim victim) {
    return switch (victim) {
      case COORDINATOR -> "coordinator";
      case SOURCE_AGENT, CRIU_DUMP -> source + ".source-agent";
      case TARGET_AGENT, CRIU_RESTORE, KEEPER -> target + ".target-agent";
    };
  }

  /** The host that a service is on. */
  String host(Victim victim) {
    return service(victim).replaceAll("\\..*", "");
  }

  String node(Side side) {
    return side == Side.SOURCE ? source : target;
  }

  boolean cancels() {
    return events.stream().anyMatch(ChaosEvent.Cancel.class::isInstance);
  }

  @Override
  public String toString() {
    return "seed %d: %s of %s, %d MiB, %s->%s%s, %s"
        .formatted(
            seed,
            strategy.name().substring("STRATEGY_".length()),
            redis ? "a Redis" : "%d processes with %d threads".formatted(children + 1, threads),
            mebibytes,
            source,
            target,
            address ? " with its address" : "",
            events);
  }
}
