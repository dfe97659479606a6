package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.acceptance.testbed.ChaosEvent.CutLink;
import io.longshore.acceptance.testbed.ChaosEvent.Hang;
import io.longshore.acceptance.testbed.ChaosEvent.Kill;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * One migration during which the events of a scenario happen. It returns when the migration is over
 * and every service runs again.
 */
final class ChaosRun {
  private static final Duration LIMIT = Duration.ofMinutes(3);

  /** A process that a later part of the migration starts is waited for. */
  private static final Duration APPEARS = Duration.ofSeconds(5);

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
  private final Links links;
  private final ChaosScenario scenario;
  private final Timeline timeline = new Timeline();
  private final Map<Victim, ReentrantLock> restarts = new ConcurrentHashMap<>();

  /** Of each event that did happen, the state in which the migration was. */
  private final Map<ChaosEvent, State> happened = new ConcurrentHashMap<>();

  /** Events that are happening; others wait for a state that may never come. */
  private final AtomicInteger underWay = new AtomicInteger();

  private volatile long lastEvent = System.nanoTime();
  private volatile boolean cancelled;
  private volatile boolean resolved;

  ChaosRun(Testbed testbed, CoordinatorCalls coordinator, Links links, ChaosScenario scenario) {
    this.testbed = testbed;
    this.coordinator = coordinator;
    this.links = links;
    this.scenario = scenario;
  }

  Timeline timeline() {
    return timeline;
  }

  Map<ChaosEvent, State> happened() {
    return Map.copyOf(happened);
  }

  boolean cancelled() {
    return cancelled;
  }

  boolean resolved() {
    return resolved;
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
                    happen(event, created.getId());
                  } finally {
                    lastEvent = System.nanoTime();
                    underWay.decrementAndGet();
                  }
                }
              },
              failures));
    }
    threads.add(start(() -> coordinator.follow(created.getId(), LIMIT, timeline::saw), failures));
    awaitDoneOrResolve(logBegins);
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

  private void happen(ChaosEvent event, String id) throws Exception {
    if (timeline.isDone()) {
      timeline.note("over before " + event);
      return;
    }
    State state = timeline.state();
    switch (event) {
      case Kill kill -> kill(kill, state);
      case Hang hang -> hang(hang, state);
      case CutLink cut -> {
        links.cut(scenario.node(cut.side()), cut.sends(), cut.receives(), cut.length());
        happened.put(event, state);
        timeline.note(event.toString());
      }
      case ChaosEvent.Cancel cancel -> {
        boolean accepted = coordinator.cancel(id);
        happened.put(event, state);
        cancelled |= accepted;
        timeline.note(cancel + (accepted ? "" : ": too late"));
      }
    }
  }

  private void hang(Hang hang, State state) throws Exception {
    Optional<HostProcesses.One> process = awaitProcess(hang.victim());
    if (process.isEmpty()) {
      timeline.note("not there: " + hang);
      return;
    }
    process.get().signal("STOP");
    happened.put(hang, state);
    timeline.note(hang.toString());
    Thread.sleep(hang.length());
    process.get().signal("CONT");
  }

  private void kill(Kill kill, State state) throws Exception {
    Optional<HostProcesses.One> process = awaitProcess(kill.victim());
    if (process.isEmpty()) {
      timeline.note("not there: " + kill);
      return;
    }
    process.get().kill();
    happened.put(kill, state);
    timeline.note(kill.toString());
    if (kill.victim().isService()) {
      process.get().handle().onExit().get(1, TimeUnit.MINUTES);
      ReentrantLock restart = restarts.computeIfAbsent(kill.victim(), _ -> new ReentrantLock());
      restart.lock();
      try {
        Thread.sleep(kill.down());
        startAgain(scenario.service(kill.victim()));
      } finally {
        restart.unlock();
      }
    }
  }

  private Optional<HostProcesses.One> awaitProcess(Victim victim) throws InterruptedException {
    long end = System.nanoTime() + APPEARS.toNanos();
    Optional<HostProcesses.One> process = find(victim);
    while (process.isEmpty()
        && !victim.isService()
        && !timeline.isDone()
        && System.nanoTime() < end) {
      Thread.sleep(2);
      process = find(victim);
    }
    return process;
  }

  private Optional<HostProcesses.One> find(Victim victim) {
    return switch (victim) {
      case COORDINATOR, SOURCE_AGENT, TARGET_AGENT -> {
        String service = scenario.service(victim);
        String host = service.replaceAll("\\..*", "");
        yield HostProcesses.find(testbed, host, "/config/" + service + ".conf");
      }
      case KEEPER -> HostProcesses.find(testbed, scenario.target(), "/work/keeper");
      case CRIU_DUMP -> HostProcesses.find(testbed, scenario.source(), "criu dump");
      case CRIU_RESTORE -> HostProcesses.find(testbed, scenario.target(), "criu restore");
    };
  }

  /** As systemd would: until it runs, though another event may kill it while it starts. */
  private void startAgain(String service) {
    Command.Output output;
    int attempts = 0;
    do {
      output = testbed.tryService("start", service);
    } while (output.status() != 0 && !output.err().contains("runs already") && ++attempts < 5);
    assertThat(attempts).as("attempts to start %s: %s", service, output).isLessThan(5);
    timeline.note(service + " is up");
  }

  /**
   * When no event is under way all services run: it ends by itself, unless an operator must decide.
   */
  private void awaitDoneOrResolve(long logBegins) throws InterruptedException, IOException {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!timeline.isDone() && System.nanoTime() < end) {
      State state = timeline.state();
      if (mayWait()
          && !resolved
          && WAITS_IN.contains(state)
          && underWay.get() == 0
          && (saysThatItWaits(logBegins) || System.nanoTime() - lastEvent > STANDSTILL.toNanos())) {
        String id = timeline.id();
        timeline.note("waits for an operator: " + scenario.ifStranded());
        resolved = coordinator.resolve(id, decision(state), state);
      }
      Thread.sleep(20);
    }
    assertThat(timeline.isDone()).as("done within %s", LIMIT).isTrue();
  }

  /**
   * The next agent goes on by itself, unless another part of the target's side has failed as well.
   */
  private boolean mayWait() {
    List<Victim> killed =
        happened.keySet().stream()
            .flatMap(event -> event instanceof Kill kill ? Stream.of(kill.victim()) : Stream.of())
            .filter(ON_TARGET::contains)
            .toList();
    return killed.contains(Victim.CRIU_RESTORE)
        || (killed.size() > 1 && killed.contains(Victim.TARGET_AGENT));
  }

  /** The source cannot be abandoned for a target that never said that it lets the workload run. */
  private Resolution decision(State state) {
    return state == State.STATE_RESUMING
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
