package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.acceptance.testbed.ChaosEvent.CutForGood;
import io.longshore.acceptance.testbed.ChaosEvent.CutOff;
import io.longshore.acceptance.testbed.ChaosEvent.Kill;
import io.longshore.acceptance.testbed.ChaosEvent.Side;
import io.longshore.acceptance.testbed.ChaosEvent.Victim;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Resolution;
import io.longshore.v1.Workload;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One migration during which the events of a scenario happen. It returns when the migration is over
 * and every service runs again.
 */
final class ChaosRun {
  private static final Duration LIMIT = Duration.ofMinutes(3);

  /** The coordinator's longest pause between two calls is 5 s. */
  private static final Duration STANDSTILL = Duration.ofSeconds(12);

  /** After the step it may wait for an operator. */
  private static final Set<State> WAITS_IN =
      Set.of(State.STATE_RESUMING, State.STATE_PUSHING, State.STATE_RELEASING);

  private static final Set<Victim> ON_TARGET =
      Set.of(Victim.TARGET_AGENT, Victim.KEEPER, Victim.CRIU_RESTORE);

  private static final List<String> WAITS_FOR_AN_OPERATOR =
      List.of(
          "CRIU failed after the workload was let run",
          "cannot be filled any more",
          "missing pages may have read as zeros",
          "CRIU was killed while it let one process after another run",
          "CRIU was told to let it run, and nobody wrote that down");

  private final Testbed testbed;
  private final CoordinatorCalls coordinator;
  private final ChaosScenario scenario;
  private final Timeline timeline = new Timeline();
  private final ChaosActs acts;

  /** Events that are happening; others wait for a state that may never come. */
  private final AtomicInteger underWay = new AtomicInteger();

  private volatile long lastEvent = System.nanoTime();
  private volatile @Nullable Decision decision;

  /**
   * What an operator decided.
   *
   * @param in the state in which the migration waited
   */
  record Decision(Resolution resolution, State in) {
    /** Whether what the workload may have done on the target was given up. */
    boolean rewinds() {
      return resolution == Resolution.RESOLUTION_ABANDON_TARGET && in != State.STATE_ROLLING_BACK;
    }
  }

  ChaosRun(Testbed testbed, CoordinatorCalls coordinator, Links links, ChaosScenario scenario) {
    this.testbed = testbed;
    this.coordinator = coordinator;
    this.scenario = scenario;
    acts = new ChaosActs(testbed, coordinator, links, scenario, timeline);
  }

  Timeline timeline() {
    return timeline;
  }

  Map<ChaosEvent, State> happened() {
    return acts.happened();
  }

  boolean cancelled() {
    return acts.cancelled();
  }

  Optional<Decision> decision() {
    return Optional.ofNullable(decision);
  }

  /** Returns the migration when it is done. */
  Migration run(ChaosCargo cargo) throws Exception {
    long logBegins = Files.size(targetLog());
    Migration created =
        coordinator.create(
            "chaos-%d-%d".formatted(scenario.seed(), System.nanoTime()),
            MigrationSpec.newBuilder()
                .setSourceNode(scenario.source())
                .setTargetNode(scenario.target())
                .setStrategy(scenario.strategy())
                .setWorkload(
                    Workload.newBuilder()
                        .setProcess(ProcessWorkload.newBuilder().setPid(cargo.pid())))
                .addAllServiceAddresses(cargo.addresses())
                .build());
    timeline.begin(created);
    List<Thread> threads = new ArrayList<>();
    List<Throwable> failures = new ArrayList<>();
    for (ChaosEvent event : scenario.events()) {
      threads.add(
          start(
              () -> {
                if (timeline.awaitState(event.at().since())) {
                  Thread.sleep(event.at().delay());
                  underWay.incrementAndGet();
                  try {
                    acts.happen(event, created.getId());
                  } finally {
                    lastEvent = System.nanoTime();
                    underWay.decrementAndGet();
                  }
                }
              },
              failures));
    }
    threads.add(start(() -> coordinator.follow(created.getId(), LIMIT, timeline::saw), failures));
    try {
      awaitDoneOrResolve(logBegins);
    } finally {
      acts.end();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (Throwable failure : failures) {
      throw new AssertionError("the harness failed", failure);
    }
    coordinator.awaitNodes();
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> !coordinator.get(created.getId()).getAbandonedNodePending());
    return coordinator.get(created.getId());
  }

  private interface Task {
    void run() throws Exception;
  }

  private static Thread start(Task task, List<Throwable> failures) {
    return Thread.ofVirtual()
        .start(
            () -> {
              try {
                task.run();
              } catch (Exception | AssertionError e) {
                synchronized (failures) {
                  failures.add(e);
                }
              }
            });
  }

  /**
   * When no event is under way all services run: it ends by itself, unless an operator must decide.
   * Where two copies could run then, the link is mended, so that the target ends its own first.
   */
  private void awaitDoneOrResolve(long logBegins) throws InterruptedException, IOException {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!timeline.isDone() && System.nanoTime() < end) {
      State state = timeline.state();
      if (decision == null
          && mayWaitIn(state)
          && underWay.get() == 0
          && (saysThatItWaits(logBegins) || System.nanoTime() - lastEvent > STANDSTILL.toNanos())) {
        Decision taken = new Decision(resolution(state), state);
        timeline.note("waits for an operator: " + taken);
        if (coordinator.resolve(timeline.id(), taken.resolution(), state)) {
          decision = taken;
          if (taken.rewinds()) {
            acts.mend();
          }
        }
      }
      Thread.sleep(20);
    }
    assertThat(timeline.isDone()).as("done within %s", LIMIT).isTrue();
  }

  private boolean mayWaitIn(State state) {
    boolean targetIsOff =
        happened().keySet().stream()
            .anyMatch(event -> event instanceof CutOff cut && cut.side() == Side.TARGET);
    return WAITS_IN.contains(state)
        ? mayWaitAfterTheStep()
        : state == State.STATE_ROLLING_BACK && targetIsOff;
  }

  /**
   * The next agent goes on by itself, unless another part of the target's side has failed as well.
   */
  private boolean mayWaitAfterTheStep() {
    List<Victim> killed =
        happened().keySet().stream()
            .flatMap(event -> event instanceof Kill kill ? Stream.of(kill.victim()) : Stream.of())
            .filter(ON_TARGET::contains)
            .toList();
    return happened().keySet().stream().anyMatch(CutForGood.class::isInstance)
        || killed.contains(Victim.CRIU_RESTORE)
        || (killed.size() > 1 && killed.contains(Victim.TARGET_AGENT));
  }

  /** The source cannot be abandoned for a target that never said that it lets the workload run. */
  private Resolution resolution(State state) {
    return state == State.STATE_RESUMING || state == State.STATE_ROLLING_BACK
        ? Resolution.RESOLUTION_ABANDON_TARGET
        : scenario.ifStranded();
  }

  private boolean saysThatItWaits(long logBegins) throws IOException {
    byte[] log = Files.readAllBytes(targetLog());
    String written =
        new String(log, (int) logBegins, log.length - (int) logBegins, StandardCharsets.UTF_8);
    return written
        .lines()
        .anyMatch(
            line ->
                line.contains(timeline.id())
                    && WAITS_FOR_AN_OPERATOR.stream().anyMatch(line::contains));
  }

  private Path targetLog() {
    return testbed.log(scenario.target() + ".target-agent");
  }
}
