package io.longshore.acceptance.testbed;

import static io.longshore.acceptance.testbed.Longshore.SLOWLY;
import static io.longshore.v1.Migration.State.STATE_CANCELLED;
import static io.longshore.v1.Migration.State.STATE_FAILED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonObject;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A plain failure leaves the source running, and nothing behind on either side. */
class FailureTest {
  /** What runs on a before, and must run there afterwards. */
  private static void assertAsBefore(
      Testbed testbed, MemoryWorkload workload, HostState onA, HostState onB) {
    workload.assertRightOn("a");
    onA.assertUnchanged(testbed);
    onB.assertUnchanged(testbed);
  }

  @OnTestbed
  @Nested
  @Order(4)
  class OnAnOrdinaryLink {
    private final Testbed testbed;

    OnAnOrdinaryLink(Testbeds testbeds) {
      testbed = testbeds.usual();
    }

    @AfterEach
    void letCriuBe() {
      testbed.clearCriuFaults();
    }

    @ParameterizedTest
    @ValueSource(strings = {"stop-and-copy", "post-copy"})
    void criuFailsToDump(String strategy) {
      failsAndLeavesNothing("a", "fail dump", strategy, "CRIU_DUMP_FAILED");
    }

    @ParameterizedTest
    @ValueSource(strings = {"stop-and-copy", "post-copy"})
    void criuFailsToRestore(String strategy) {
      failsAndLeavesNothing("b", "fail restore", strategy, "CRIU_RESTORE_FAILED");
    }

    @Test
    void criuFindsSomethingThatItCannotDump() {
      try (MemoryWorkload workload =
          MemoryWorkload.start(testbed, "a", "--size", "64m", "--children", "1", "--undumpable")) {
        HostState onA = HostState.of(testbed, "a");
        HostState onB = HostState.of(testbed, "b");
        Migration migration =
            testbed.longshore().migrateToTheEnd(Move.of("a", "b", workload.pid()));
        assertThat(migration.getState()).isEqualTo(STATE_FAILED);
        assertThat(migration.getError().getReason()).isEqualTo("CRIU_DUMP_FAILED");
        assertThat(String.join("\n", migration.getError().getCriuLogList())).contains("Error");
        assertAsBefore(testbed, workload, onA, onB);
      }
    }

    private void failsAndLeavesNothing(String host, String fault, String strategy, String reason) {
      try (MemoryWorkload workload =
          MemoryWorkload.start(
              testbed, "a", "--size", "128m", "--threads", "2", "--children", "1")) {
        HostState onA = HostState.of(testbed, "a");
        HostState onB = HostState.of(testbed, "b");
        testbed.setCriuFault(host, fault);
        Migration migration =
            testbed
                .longshore()
                .migrateToTheEnd(Move.of("a", "b", workload.pid(), "--strategy", strategy));
        assertThat(migration.getState()).isEqualTo(STATE_FAILED);
        assertThat(migration.getError().getReason())
            .as("reason of %s", migration.getError())
            .isEqualTo(reason);
        assertThat(String.join("\n", migration.getError().getCriuLogList()))
            .as("CRIU's own words in %s", migration.getError())
            .contains("told to fail by the test");
        assertAsBefore(testbed, workload, onA, onB);
        // And it was no accident that it failed.
        testbed.clearCriuFaults();
        testbed
            .longshore()
            .migrateSuccessfully(Move.of("a", "b", workload.pid(), "--strategy", strategy));
        workload.assertRightOn("b");
      }
    }

    @Test
    void clientsOfARedisDoNotLoseTheirConnections() throws Exception {
      try (RedisWorkload redis = RedisWorkload.start(testbed, "a", 64L << 20);
          LoadRun load = redis.load(20)) {
        HostState onA = HostState.of(testbed, "a");
        HostState onB = HostState.of(testbed, "b");
        Move move =
            Move.of(
                "a",
                "b",
                redis.pid(),
                "--service-ip",
                RedisWorkload.CIDR,
                "--strategy",
                "post-copy");
        for (List<String> fault :
            List.of(List.of("a", "fail dump"), List.of("b", "fail restore"))) {
          testbed.setCriuFault(fault.getFirst(), fault.getLast());
          assertThat(testbed.longshore().migrateToTheEnd(move).getState()).isEqualTo(STATE_FAILED);
          testbed.clearCriuFaults();
          onA.assertUnchanged(testbed);
          onB.assertUnchanged(testbed);
        }
        load.after();
        Thread.sleep(Duration.ofSeconds(2));
        JsonObject report = load.end();
        RedisTest.assertNothingLost(report);
        assertThat(redis.check().get("keys_wrong").getAsLong()).isZero();
      }
    }
  }

  @OnTestbed
  @Nested
  @Order(5)
  class InASlowTransfer {
    private final Testbed testbed;

    InASlowTransfer(Testbeds testbeds) {
      testbed = testbeds.usual();
    }

    @Test
    void cancelledBeforeTheTransfer() {
      try (MemoryWorkload workload = start()) {
        HostState onA = HostState.of(testbed, "a");
        HostState onB = HostState.of(testbed, "b");
        String id = testbed.longshore().begin(stopAndCopy(workload));
        testbed.longshore().command("cancel", id).run().expectSuccess();
        assertCancelled(testbed.longshore().await(id));
        assertAsBefore(testbed, workload, onA, onB);
      }
    }

    @Test
    void cancelledDuringTheTransfer() {
      try (MemoryWorkload workload = start()) {
        HostState onA = HostState.of(testbed, "a");
        HostState onB = HostState.of(testbed, "b");
        String id = testbed.longshore().begin(stopAndCopy(workload));
        testbed.longshore().awaitState(id, Migration.State.STATE_TRANSFERRING);
        await()
            .atMost(Duration.ofSeconds(20))
            .untilAsserted(
                () ->
                    assertThat(testbed.longshore().get(id).getProgress().getMovedBytes())
                        .isPositive());
        testbed.longshore().command("cancel", id).run().expectSuccess();
        Migration cancelled = testbed.longshore().await(id);
        assertCancelled(cancelled);
        assertThat(cancelled.getProgress().getMovedBytes())
            .isLessThan(cancelled.getProgress().getTotalBytes());
        assertAsBefore(testbed, workload, onA, onB);
      }
    }

    @Test
    void cancelledInTheRounds() {
      try (MemoryWorkload workload = start()) {
        HostState onA = HostState.of(testbed, "a");
        HostState onB = HostState.of(testbed, "b");
        String id =
            testbed
                .longshore()
                .begin(Move.of("a", "b", workload.pid(), SLOWLY, "--strategy", "hybrid"));
        testbed.longshore().awaitState(id, Migration.State.STATE_COPYING);
        await()
            .atMost(Duration.ofSeconds(20))
            .untilAsserted(
                () ->
                    assertThat(testbed.longshore().get(id).getProgress().getMovedBytes())
                        .isPositive());
        testbed.longshore().command("cancel", id).run().expectSuccess();
        assertCancelled(testbed.longshore().await(id));
        assertAsBefore(testbed, workload, onA, onB);
      }
    }

    @Test
    void clientsOfARedisWaitOnlyUntilItIsCancelled() throws Exception {
      try (RedisWorkload redis = RedisWorkload.start(testbed, "a", 128L << 20);
          LoadRun load = redis.load(20)) {
        HostState onA = HostState.of(testbed, "a");
        HostState onB = HostState.of(testbed, "b");
        String id =
            testbed
                .longshore()
                .begin(
                    Move.of(
                        "a",
                        "b",
                        redis.pid(),
                        "--service-ip",
                        RedisWorkload.CIDR,
                        SLOWLY,
                        "--strategy",
                        "stop-and-copy"));
        testbed.longshore().awaitState(id, Migration.State.STATE_TRANSFERRING);
        testbed.longshore().command("cancel", id).run().expectSuccess();
        assertCancelled(testbed.longshore().await(id));
        onA.assertUnchanged(testbed);
        onB.assertUnchanged(testbed);
        load.after();
        Thread.sleep(Duration.ofSeconds(2));
        RedisTest.assertNothingLost(load.end());
        assertThat(redis.check().get("keys_wrong").getAsLong()).isZero();
      }
    }

    @Test
    void afterTheStepItIsTooLateToCancel() {
      try (MemoryWorkload workload = start("48m")) {
        String id =
            testbed
                .longshore()
                .begin(Move.of("a", "b", workload.pid(), SLOWLY, "--strategy", "post-copy"));
        testbed.longshore().awaitState(id, Migration.State.STATE_PUSHING);
        Command.Output refused = testbed.longshore().command("cancel", id).run();
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains("TOO_LATE_TO_CANCEL");
        // It runs there while most of its memory is still on its way.
        workload.assertRightOn("b");
        testbed.longshore().hurry(id);
        Migration migration = testbed.longshore().await(id);
        assertThat(migration.getState()).isEqualTo(Migration.State.STATE_SUCCEEDED);
        assertThat(migration.getResult().getDemandFaults()).isPositive();
        workload.assertRightOn("b");
      }
    }

    private MemoryWorkload start() {
      return start("128m");
    }

    private MemoryWorkload start(String size) {
      return MemoryWorkload.start(
          testbed, "a", "--size", size, "--threads", "2", "--children", "1");
    }

    private static Move stopAndCopy(MemoryWorkload workload) {
      return Move.of("a", "b", workload.pid(), SLOWLY, "--strategy", "stop-and-copy");
    }

    private static void assertCancelled(Migration migration) {
      assertThat(migration.getState()).as("state of %s", migration).isEqualTo(STATE_CANCELLED);
      assertThat(migration.getDone()).isTrue();
      // It did what it was asked to: that is no error.
      assertThat(migration.hasError()).isFalse();
    }
  }
}
