package io.longshore.acceptance.testbed;

import static io.longshore.acceptance.testbed.Longshore.SLOWLY;
import static io.longshore.v1.Migration.State.STATE_CANCELLED;
import static io.longshore.v1.Migration.State.STATE_FAILED;
import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.Obstacle;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Containers of runc move by name, are refused with a reason, and stay when a migration fails. */
@OnTestbed
@Order(6)
class ContainerTest {
  private final Testbed testbed;

  ContainerTest(Testbeds testbeds) {
    testbed = testbeds.usual();
  }

  @AfterEach
  void letCriuBe() {
    testbed.clearCriuFaults();
  }

  @ParameterizedTest
  @CsvSource({"stop-and-copy, pre-copy", "post-copy, hybrid"})
  void movesThereAndBack(String there, String back) {
    try (ContainerWorkload container = ContainerWorkload.start(testbed)) {
      String files = container.rootFiles("a");
      move("a", "b", there);
      container.assertRightOn("b");
      container.assertGoneFrom("a");
      move("b", "a", back);
      container.assertRightOn("a");
      container.assertGoneFrom("b");
      assertThat(container.rootFiles("a")).isEqualTo(files);
    }
  }

  @Test
  void aScriptWhoseCommandsComeAndGoMoves() {
    try (ContainerWorkload container =
        ContainerWorkload.start(
            testbed,
            "i=0; while :; do i=$((i+1)); echo $i >/data/new; mv /data/new /data/count; sleep 0.01; done",
            "--size",
            "64m")) {
      int before = count("a");
      move("a", "b", "hybrid");
      container.assertRightOn("b");
      int after = count("b");
      assertThat(after).isGreaterThan(before);
      assertThat(count("b")).isGreaterThan(after);
      container.assertGoneFrom("a");
    }
  }

  @Test
  void isRefusedWithItsReasonAndRunsOn() {
    try (ContainerWorkload container = ContainerWorkload.start(testbed)) {
      assertThat(testbed.longshore().command("workloads", "a").run().expectSuccess())
          .containsPattern("a +runc +web-1 +running +[0-9]+ +none");
      assertThat(refusals(Move.ofContainer("a", "b", "web-2"))).contains("UNKNOWN_CONTAINER");
      testbed.shell("a", "mv /srv/web-1/config.json /srv/web-1/away");
      assertThat(testbed.longshore().command("workloads", "a").run().expectSuccess())
          .containsPattern("a +runc +web-1 +running +[0-9]+ +RUNTIME_INCOMPATIBLE");
      testbed.shell("a", "mv /srv/web-1/away /srv/web-1/config.json");
      testbed.shell("a", "runc pause web-1");
      assertThat(refusals(move("a", "b"))).contains("WORKLOAD_PAUSED");
      testbed.shell(
          "a", "runc resume web-1; runc exec --detach web-1 sleep 1000 </dev/null >/dev/null 2>&1");
      assertThat(refusals(move("a", "b"))).containsExactly("PROCESS_OUTSIDE_TREE");
      testbed.shell("a", "kill $(pgrep --exact --full 'sleep 1000')");
      testbed.shell("b", "mv /srv/volume /srv/elsewhere");
      assertThat(refusals(move("a", "b"))).containsExactly("MOUNT_MISSING");
      testbed.shell(
          "b",
          "mv /srv/elsewhere /srv/volume; cd /srv/web-1; runc run --detach web-1 </dev/null >/dev/null 2>&1");
      assertThat(refusals(move("a", "b"))).containsExactly("CONTAINER_EXISTS");
      testbed.shell("b", "runc delete --force web-1");
      container.assertRightOn("a");
      container.assertGoneFrom("b");
    }
  }

  @ParameterizedTest
  @CsvSource({"a, fail dump, CRIU_DUMP_FAILED", "b, fail restore, CRIU_RESTORE_FAILED"})
  void staysAndLeavesNothingIfCriuFails(String host, String fault, String reason) {
    try (ContainerWorkload container = ContainerWorkload.start(testbed)) {
      HostState onA = HostState.of(testbed, "a");
      HostState onB = HostState.of(testbed, "b");
      testbed.setCriuFault(host, fault);
      Migration migration = testbed.longshore().migrateToTheEnd(move("a", "b"));
      assertThat(migration.getState()).isEqualTo(STATE_FAILED);
      assertThat(migration.getError().getReason()).isEqualTo(reason);
      assertStays(container, onA, onB);
    }
  }

  @Test
  void staysIfItIsCancelled() {
    try (ContainerWorkload container = ContainerWorkload.start(testbed)) {
      HostState onA = HostState.of(testbed, "a");
      HostState onB = HostState.of(testbed, "b");
      String id =
          testbed
              .longshore()
              .begin(
                  Move.ofContainer(
                      "a", "b", ContainerWorkload.ID, "--strategy", "stop-and-copy", SLOWLY));
      testbed.longshore().awaitState(id, Migration.State.STATE_TRANSFERRING);
      testbed.longshore().command("cancel", id).run().expectSuccess();
      assertThat(testbed.longshore().await(id).getState()).isEqualTo(STATE_CANCELLED);
      assertStays(container, onA, onB);
    }
  }

  @Test
  void isWholeInOnePlaceWhenTheTargetAgentIsKilledInTheTransfer() {
    try (ContainerWorkload container = ContainerWorkload.start(testbed)) {
      String id =
          testbed
              .longshore()
              .begin(
                  Move.ofContainer(
                      "a", "b", ContainerWorkload.ID, "--strategy", "stop-and-copy", SLOWLY));
      testbed.longshore().awaitState(id, Migration.State.STATE_TRANSFERRING);
      testbed.killAndStart("b.target-agent");
      assertThat(testbed.longshore().await(id).getState()).isEqualTo(STATE_FAILED);
      container.assertRightOn("a");
      container.assertGoneFrom("b");
    }
  }

  private static void assertStays(ContainerWorkload container, HostState onA, HostState onB) {
    container.assertRightOn("a");
    onA.assertUnchanged(container.testbed());
    onB.assertUnchanged(container.testbed());
  }

  private void move(String from, String to, String strategy) {
    testbed
        .longshore()
        .migrateSuccessfully(
            Move.ofContainer(from, to, ContainerWorkload.ID, "--strategy", strategy));
  }

  private static Move move(String from, String to) {
    return Move.ofContainer(from, to, ContainerWorkload.ID);
  }

  private List<String> refusals(Move move) {
    return testbed.longshore().plan(move).getObstaclesList().stream()
        .map(Obstacle::getReason)
        .distinct()
        .toList();
  }

  private int count(String host) {
    return Integer.parseInt(testbed.shell(host, "sleep 0.3; cat /srv/volume/count").strip());
  }
}
