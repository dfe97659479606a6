package io.longshore.acceptance.testbed;

import static io.longshore.acceptance.testbed.Longshore.SLOWLY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A service is killed with SIGKILL in the middle of a migration and started again: the workload is
 * whole, in one place, and nothing is left in the other.
 */
@OnTestbed
@Order(6)
class KilledTest {
  private final Testbed testbed;

  KilledTest(Testbeds testbeds) {
    testbed = testbeds.usual();
  }

  @ParameterizedTest
  @CsvSource({
    "a.source-agent, stop-and-copy, STATE_TRANSFERRING",
    "a.source-agent, post-copy,     STATE_PUSHING",
    "b.target-agent, post-copy,     STATE_PUSHING",
    "b.target-agent, hybrid,        STATE_PUSHING",
    "coordinator,    stop-and-copy, STATE_TRANSFERRING",
    "coordinator,    post-copy,     STATE_PUSHING",
  })
  void theWorkloadIsWholeInOnePlace(String service, String strategy, State state) {
    try (MemoryWorkload workload = startOnA()) {
      String id =
          testbed
              .longshore()
              .begin(Move.of("a", "b", workload.pid(), SLOWLY, "--strategy", strategy));
      testbed.longshore().awaitState(id, state);
      testbed.killAndStart(service);
      testbed.longshore().hurry(id);
      Migration migration = testbed.longshore().await(id);
      if (state == State.STATE_TRANSFERRING && migration.getState() == State.STATE_FAILED) {
        // Before the step an agent that takes longer to start than the patience is rolled back.
        assertThat(migration.getError().getReason()).isEqualTo("AGENT_UNREACHABLE");
        workload.assertRightOn("a");
        assertThat(testbed.hasProcess("b", workload.pid())).isFalse();
      } else {
        assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_SUCCEEDED);
        workload.assertRightOn("b");
        assertThat(testbed.hasProcess("a", workload.pid())).isFalse();
      }
      testbed.assertDoctorFindsNothing("a");
      testbed.assertDoctorFindsNothing("b");
    }
  }

  @Test
  void whatIsCopiedInRoundsRunsOnWhenItsAgentIsKilled() {
    try (MemoryWorkload workload = startOnA()) {
      HostState onB = HostState.of(testbed, "b");
      String id =
          testbed
              .longshore()
              .begin(Move.of("a", "b", workload.pid(), SLOWLY, "--strategy", "pre-copy"));
      testbed.longshore().awaitState(id, State.STATE_COPYING);
      testbed.killAndStart("a.source-agent");
      testbed.longshore().hurry(id);
      Migration migration = testbed.longshore().await(id);
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_FAILED);
      workload.assertRightOn("a");
      onB.assertUnchanged(testbed);
      testbed.assertDoctorFindsNothing("a");
    }
  }

  @Test
  void whatNeverRanOnTheTargetIsEndedThereAndRolledBack() {
    try (MemoryWorkload workload = startOnA()) {
      HostState onB = HostState.of(testbed, "b");
      String id =
          testbed
              .longshore()
              .begin(Move.of("a", "b", workload.pid(), SLOWLY, "--strategy", "stop-and-copy"));
      testbed.longshore().awaitState(id, State.STATE_TRANSFERRING);
      testbed.killAndStart("b.target-agent");
      testbed.longshore().hurry(id);
      Migration migration = testbed.longshore().await(id);
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_FAILED);
      workload.assertRightOn("a");
      assertThat(testbed.hasProcess("b", workload.pid())).isFalse();
      // The agent is another process now.
      onB.assertUnchanged(testbed, "process");
      testbed.assertDoctorFindsNothing("b");
    }
  }

  @Test
  void aRestoreThatIsKilledInTheHoldLeavesNothingAndIsRolledBack() {
    try (MemoryWorkload workload = startOnA()) {
      HostState onB = HostState.of(testbed, "b");
      String id =
          testbed
              .longshore()
              .begin(Move.of("a", "b", workload.pid(), SLOWLY, "--strategy", "stop-and-copy"));
      testbed.longshore().awaitState(id, State.STATE_TRANSFERRING);
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> HostProcesses.find(testbed, "b", "barrier.sh waits").isPresent());
      HostProcesses.find(testbed, "b", "criu restore").orElseThrow().kill();
      testbed.longshore().hurry(id);
      Migration migration = testbed.longshore().await(id);
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_FAILED);
      assertThat(migration.getError().getReason()).isEqualTo("CRIU_RESTORE_FAILED");
      workload.assertRightOn("a");
      assertThat(testbed.hasProcess("b", workload.pid())).isFalse();
      onB.assertUnchanged(testbed);
      testbed.assertDoctorFindsNothing("b");
    }
  }

  @Test
  void aRestoreWhoseMemoryNobodyWouldKeepIsGivenUpAtOnce() {
    try (MemoryWorkload workload = startOnA()) {
      HostState onB = HostState.of(testbed, "b");
      // The keeper is there for less time than a command takes to return.
      CompletableFuture<String> begun =
          CompletableFuture.supplyAsync(
              () ->
                  testbed
                      .longshore()
                      .begin(Move.of("a", "b", workload.pid(), "--strategy", "post-copy")));
      await()
          .atMost(Duration.ofSeconds(30))
          .pollDelay(Duration.ZERO)
          .pollInterval(Duration.ofMillis(1))
          .until(() -> HostProcesses.find(testbed, "b", "/work/keeper"), Optional::isPresent)
          .ifPresent(HostProcesses.One::kill);
      String id = begun.join();
      long begin = System.nanoTime();
      Migration migration = testbed.longshore().await(id);
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_FAILED);
      assertThat(migration.getError().getReason()).isEqualTo("CRIU_RESTORE_FAILED");
      workload.assertRightOn("a");
      onB.assertUnchanged(testbed);
    }
  }

  private MemoryWorkload startOnA() {
    return MemoryWorkload.start(testbed, "a", "--size", "56m", "--threads", "2", "--children", "1");
  }
}
