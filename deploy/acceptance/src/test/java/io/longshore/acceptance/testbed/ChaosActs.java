package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.acceptance.testbed.ChaosEvent.CutApart;
import io.longshore.acceptance.testbed.ChaosEvent.CutLink;
import io.longshore.acceptance.testbed.ChaosEvent.CutOff;
import io.longshore.acceptance.testbed.ChaosEvent.FillDisk;
import io.longshore.acceptance.testbed.ChaosEvent.Hang;
import io.longshore.acceptance.testbed.ChaosEvent.Kill;
import io.longshore.acceptance.testbed.ChaosEvent.OutOfMemory;
import io.longshore.acceptance.testbed.ChaosEvent.SetClockBack;
import io.longshore.acceptance.testbed.ChaosEvent.Victim;
import io.longshore.v1.Migration.State;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Does to one migration what a scenario has, and keeps what was done in which state. Thread-safe.
 */
final class ChaosActs {
  /** A process that a later part of the migration starts is waited for. */
  private static final Duration APPEARS = Duration.ofSeconds(5);

  private final Testbed testbed;
  private final CoordinatorCalls coordinator;
  private final Links links;
  private final Disks disks;
  private final Clocks clocks;
  private final ChaosScenario scenario;
  private final Timeline timeline;
  private final Map<Victim, ReentrantLock> restarts = new ConcurrentHashMap<>();
  private final Map<ChaosEvent, State> happened = new ConcurrentHashMap<>();
  private volatile boolean cancelled;

  ChaosActs(
      Testbed testbed,
      CoordinatorCalls coordinator,
      Links links,
      ChaosScenario scenario,
      Timeline timeline) {
    this.testbed = testbed;
    this.coordinator = coordinator;
    this.links = links;
    this.disks = new Disks(testbed);
    this.clocks = new Clocks(testbed);
    this.scenario = scenario;
    this.timeline = timeline;
  }

  /** Of each event that did happen, the state in which the migration was. */
  Map<ChaosEvent, State> happened() {
    return Map.copyOf(happened);
  }

  /** Whether a cancellation was accepted. */
  boolean cancelled() {
    return cancelled;
  }

  /** Ends the cuts that are for good. */
  void mend() {
    links.mend();
  }

  /** Ends all that is for good. */
  void end() throws IOException {
    links.mend();
    clocks.setRight();
  }

  /** Does it now, and returns when that is over and what it ended runs again. */
  void happen(ChaosEvent event, String id) throws Exception {
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
        happened(event, state);
      }
      case CutApart _ -> {
        links.cutApart(scenario.source(), scenario.target());
        happened(event, state);
      }
      case CutOff cut -> {
        links.cutOff(scenario.node(cut.side()));
        happened(event, state);
      }
      case SetClockBack set -> {
        clocks.setBack(scenario.service(set.whose()), set.by());
        happened(event, state);
      }
      case OutOfMemory out -> takeMemory(out, state);
      case FillDisk fill -> fillDisk(fill, state);
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
    happened(hang, state);
    Thread.sleep(hang.length());
    process.get().signal("CONT");
  }

  private void fillDisk(FillDisk fill, State state) throws InterruptedException {
    String host = scenario.host(fill.whose());
    disks.fill(host, fill.whose());
    try {
      happened(fill, state);
      Thread.sleep(fill.length());
    } finally {
      disks.free(host, fill.whose());
    }
    timeline.note("there is room for " + fill.whose());
  }

  private void kill(Kill kill, State state) throws Exception {
    Optional<HostProcesses.One> process = awaitProcess(kill.victim());
    if (process.isEmpty()) {
      timeline.note("not there: " + kill);
      return;
    }
    process.get().kill();
    happened(kill, state);
    if (kill.victim().isService()) {
      process.get().handle().onExit().get(1, TimeUnit.MINUTES);
      restart(kill.victim(), kill.down());
    }
  }

  private void takeMemory(OutOfMemory out, State state) throws Exception {
    HostProcesses.One process = find(out.victim()).orElseThrow();
    happened(out, state);
    ShortMemory.on(testbed, scenario.host(out.victim())).kill(process);
    timeline.note("the kernel has killed " + out.victim());
    restart(out.victim(), out.down());
  }

  private void restart(Victim victim, Duration down) throws InterruptedException {
    ReentrantLock restart = restarts.computeIfAbsent(victim, _ -> new ReentrantLock());
    restart.lock();
    try {
      Thread.sleep(down);
      startAgain(scenario.service(victim));
    } finally {
      restart.unlock();
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
      case COORDINATOR, SOURCE_AGENT, TARGET_AGENT ->
          HostProcesses.find(
              testbed, scenario.host(victim), "/config/" + scenario.service(victim) + ".conf");
      case KEEPER -> HostProcesses.find(testbed, scenario.target(), "/work/keeper");
      case CRIU_DUMP -> HostProcesses.find(testbed, scenario.source(), "criu dump");
      case CRIU_RESTORE -> HostProcesses.find(testbed, scenario.target(), "criu restore");
    };
  }

  private void happened(ChaosEvent event, State state) {
    happened.put(event, state);
    timeline.note(event.toString());
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
}
