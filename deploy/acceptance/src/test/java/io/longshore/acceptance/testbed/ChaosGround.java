package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.acceptance.testbed.ChaosEvent.CutApart;
import io.longshore.acceptance.testbed.ChaosEvent.CutForGood;
import io.longshore.acceptance.testbed.ChaosEvent.FillDisk;
import io.longshore.acceptance.testbed.ChaosEvent.Kill;
import io.longshore.acceptance.testbed.ChaosEvent.Victim;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Resolution;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A testbed that is kept over many migrations during which things fail, and what must hold after
 * each: the workload runs once, is whole, is where docs/protocol.md has it, and nothing is left
 * anywhere else.
 */
final class ChaosGround {
  private static @Nullable ChaosGround current;

  private final Testbed testbed;
  private final CoordinatorCalls coordinator;
  private final Links links;

  /** What the hosts had before the first. */
  private final List<HostState> hosts;

  private ChaosGround(Testbed testbed) {
    this.testbed = testbed;
    coordinator = CoordinatorCalls.to(testbed);
    links = new Links(testbed);
    // What the agents make for their first migration and keep.
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "16m")) {
      testbed.longshore().migrateSuccessfully(Longshore.Move.of("a", "b", workload.pid()));
      testbed.longshore().migrateSuccessfully(Longshore.Move.of("b", "a", workload.pid()));
    }
    hosts = Testbed.NODES.stream().map(host -> HostState.of(testbed, host)).toList();
  }

  /** The one that there is, or another if the testbed is another since: a test has failed. */
  static synchronized ChaosGround on(Testbeds testbeds) {
    // Slow enough for things to happen in the middle. Services that are started again are not
    // tested: that would be another migration each.
    String ahead = Long.toString(Clocks.AHEAD.toSeconds());
    Testbed testbed = testbeds.with("--rate", "1gbit", "--self-test", "0", "--clocks-ahead", ahead);
    ChaosGround last = current;
    if (last == null || last.testbed != testbed) {
      letGo();
      last = new ChaosGround(testbed);
      current = last;
    }
    return last;
  }

  /** After the last use. */
  static synchronized void letGo() {
    if (current != null) {
      current.coordinator.close();
      current = null;
    }
  }

  /**
   * Runs a scenario and checks all.
   *
   * @param again how to have the same again, for the message if it fails
   * @return what happened
   */
  ChaosRun check(ChaosScenario scenario, String again) {
    coordinator.awaitNodes();
    ChaosRun run = new ChaosRun(testbed, coordinator, links, scenario);
    long begin = System.nanoTime();
    try {
      Migration migration;
      try (ChaosCargo cargo = ChaosCargo.start(testbed, scenario)) {
        migration = run.run(cargo);
        assertIsAsDocumented(run, migration);
        assertRunsOnceAndWhole(run, migration, scenario, cargo);
      }
      hosts.forEach(host -> host.assertUnchanged(testbed, "process"));
      System.out.printf(
          Locale.ROOT,
          "chaos: %s: in %s; %s%s after %.1f s%n",
          scenario,
          run.happened().values(),
          migration.getState().name().substring("STATE_".length()),
          migration.hasError() ? " " + migration.getError().getReason() : "",
          (System.nanoTime() - begin) / 1e9);
      return run;
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          "chaos failed, again by %s%n%s%n%s%n%s".formatted(again, scenario, run.timeline(), e), e);
    }
  }

  /** The table in docs/protocol.md, "When something dies". */
  private static void assertIsAsDocumented(ChaosRun run, Migration migration) {
    String reason = migration.getError().getReason();
    switch (migration.getState()) {
      case STATE_SUCCEEDED -> {
        assertThat(run.cancelled()).as("cancellation accepted").isFalse();
        assertThat(run.decision().map(ChaosRun.Decision::resolution))
            .as("an operator had to decide")
            .isNotEqualTo(Optional.of(Resolution.RESOLUTION_ABANDON_TARGET));
        assertThat(run.happened())
            .as("nothing can come over a link that was cut for good before the freeze")
            .noneSatisfy(
                (event, state) -> {
                  assertThat(event).isInstanceOf(CutForGood.class);
                  assertThat(Timeline.isBefore(state, State.STATE_FREEZING)).isTrue();
                });
      }
      case STATE_CANCELLED -> assertThat(run.cancelled()).as("cancellation accepted").isTrue();
      case STATE_FAILED -> {
        if (isDecidedAfterTheStep(run)) {
          assertThat(reason)
              .isEqualTo(
                  run.decision().orElseThrow().resolution() == Resolution.RESOLUTION_ABANDON_TARGET
                      ? "TARGET_ABANDONED"
                      : "WORKLOAD_LOST");
        } else {
          assertThat(reason).isNotEqualTo("WORKLOAD_LOST").isNotEqualTo("INTERNAL");
          assertThat(run.happened())
              .as("what may have led to %s", migration.getError())
              .anySatisfy((event, state) -> assertMayRollBack(event, state, reason));
        }
      }
      default -> throw new AssertionError("not over: " + migration);
    }
  }

  /** Before it only the rollback waited, which had its reason. */
  private static boolean isDecidedAfterTheStep(ChaosRun run) {
    return run.decision().filter(each -> each.in() != State.STATE_ROLLING_BACK).isPresent();
  }

  private static void assertMayRollBack(ChaosEvent event, State state, String reason) {
    assertThat(event)
        .isNotInstanceOf(ChaosEvent.Cancel.class)
        .isNotInstanceOf(ChaosEvent.SetClockBack.class)
        .matches(each -> !isOfTheCoordinatorAlone(each), "more than a coordinator");
    // After the step only the target's word that nothing of it ran leads back.
    boolean neverRan = state == State.STATE_RESUMING && reason.equals("CRIU_RESTORE_FAILED");
    assertThat(
            neverRan
                || Timeline.isBefore(state, State.STATE_RESUMING)
                || state == State.STATE_ROLLING_BACK)
        .as("before the step, or the target said that it never ran")
        .isTrue();
    if (event instanceof CutApart) {
      assertThat(reason).isIn(ofCutLinkIn(state));
    }
    if (event instanceof FillDisk fill) {
      assertThat(reason).isIn(ofFullDisk(fill.whose()));
    }
  }

  private static Set<String> ofCutLinkIn(State state) {
    return switch (state) {
      case STATE_PENDING, STATE_PREPARING -> Set.of("TRANSFER_BROKEN", "LINK_CUT");
      default -> Set.of("LINK_CUT");
    };
  }

  private static Set<String> ofFullDisk(Victim whose) {
    // At the target images are on it as well, and the log of the memories.
    return whose == Victim.SOURCE_AGENT
        ? Set.of("JOURNAL_FAILED")
        : Set.of("JOURNAL_FAILED", "TRANSFER_BROKEN", "CRIU_RESTORE_FAILED");
  }

  /** It goes on where it was, and a decision that cannot be stored waits. */
  private static boolean isOfTheCoordinatorAlone(ChaosEvent event) {
    return (event instanceof Kill kill && kill.victim() == Victim.COORDINATOR)
        || (event instanceof FillDisk fill && fill.whose() == Victim.COORDINATOR);
  }

  private void assertRunsOnceAndWhole(
      ChaosRun run, Migration migration, ChaosScenario scenario, ChaosCargo cargo)
      throws Exception {
    boolean lost =
        migration.getState() == State.STATE_FAILED
            && migration.getError().getReason().equals("WORKLOAD_LOST");
    boolean moved = migration.getState() == State.STATE_SUCCEEDED;
    String owner = moved ? scenario.target() : scenario.source();
    for (String host : Testbed.NODES) {
      int expected = lost || !host.equals(owner) ? 0 : processes(scenario);
      await()
          .atMost(Duration.ofSeconds(5))
          .untilAsserted(() -> assertHasOnlyCopies(host, cargo.command(), expected));
    }
    if (!lost) {
      cargo.assertWholeOn(owner, run.decision().filter(ChaosRun.Decision::rewinds).isPresent());
      for (String address : cargo.addresses()) {
        for (String host : Testbed.NODES) {
          assertThat(testbed.hasAddress(host, address.replaceAll("/.*", "")))
              .as("%s on %s", address, host)
              .isEqualTo(host.equals(owner));
        }
      }
    }
    List<CompletableFuture<Void>> doctors =
        Testbed.NODES.stream()
            .map(host -> CompletableFuture.runAsync(() -> testbed.assertDoctorFindsNothing(host)))
            .toList();
    doctors.forEach(CompletableFuture::join);
    assertThat(cargo.wrongAbout(ways(run, migration, scenario))).as("where it ran").isEmpty();
  }

  private static int processes(ChaosScenario scenario) {
    return scenario.redis() ? 1 : 1 + scenario.children();
  }

  /** I1: where it may have run, one after the other. */
  private static Set<List<String>> ways(ChaosRun run, Migration migration, ChaosScenario scenario) {
    List<String> stays = List.of(scenario.source());
    List<String> goes = List.of(scenario.source(), scenario.target());
    List<String> comesBack = List.of(scenario.source(), scenario.target(), scenario.source());
    if (migration.getState() == State.STATE_SUCCEEDED) {
      return Set.of(goes);
    }
    if (!isDecidedAfterTheStep(run)) {
      return Set.of(stays);
    }
    // On the target it may have missed a page at once.
    return migration.getError().getReason().equals("WORKLOAD_LOST")
        ? Set.of(stays, goes)
        : Set.of(stays, comesBack);
  }

  private void assertHasOnlyCopies(String host, String command, int expected) {
    Map<Boolean, List<String>> commands =
        HostProcesses.of(testbed, host).stream()
            .map(HostProcesses.One::command)
            .filter(each -> !isOfTheTestbed(each))
            .collect(Collectors.partitioningBy(each -> each.contains(command)));
    assertThat(commands.get(true)).as("processes of the workload on %s", host).hasSize(expected);
    assertThat(commands.get(false)).as("other processes on %s", host).isEmpty();
  }

  private static boolean isOfTheTestbed(String command) {
    return command.startsWith("tini ")
        || command.equals("sleep infinity")
        || command.startsWith("socat ")
        || command.contains("-agent.conf");
  }
}
