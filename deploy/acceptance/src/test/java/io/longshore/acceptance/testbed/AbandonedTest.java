package io.longshore.acceptance.testbed;

import static io.longshore.acceptance.testbed.Longshore.SLOWLY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A workload runs on the target while most of its memory is still on the source, and then one of
 * the two fails: it never goes on with wrong memory, and where it was abandoned nothing is left.
 */
@OnTestbed
@Order(7)
class AbandonedTest {
  /** One connection: asks, waits to be told, asks again. */
  private static final String CLIENT =
      """
      rm -f /tmp/ask-again
      exec 3<>"/dev/tcp/$1/6379"
      ask() { printf 'PING\r\n' >&3 && read -r -t 20 -u 3 answer && echo "${answer%?}"; }
      ask
      until [ -e /tmp/ask-again ]; do sleep 0.1; done
      ask
      """;

  private final Testbed testbed;

  AbandonedTest(Testbeds testbeds) {
    testbed = testbeds.usual();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theTargetIsAbandonedWhileItsAgentIs(boolean killed) {
    try (MemoryWorkload workload =
        MemoryWorkload.start(testbed, "a", "--size", "128m", "--threads", "2", "--children", "1")) {
      HostState onB = HostState.of(testbed, "b");
      String id = beginAndAwaitPush(workload.pid());
      if (killed) {
        testbed.killAndStart("b.target-agent");
        assertSaysNothingWrong(workload);
        assertThat(testbed.longshore().get(id).getState()).isEqualTo(State.STATE_PUSHING);
        assertThat(testbed.hasProcess("b", workload.pid())).isTrue();
      }
      resolve(id, "--abandon-target");
      Migration migration = testbed.longshore().await(id);
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_FAILED);
      assertThat(migration.getError().getReason()).isEqualTo("TARGET_ABANDONED");
      awaitTold(id);
      assertThat(testbed.hasProcess("b", workload.pid())).isFalse();
      workload.assertRightOn("a");
      assertNothingIsLeftOnB(onB);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void itsAddressesGoTooAndNoClientHearsOfTheEnd(boolean killed) throws Exception {
    try (RedisWorkload redis = RedisWorkload.start(testbed, "a", 64L << 20)) {
      Process client =
          testbed.on("client", "bash", "-c", CLIENT, "-", RedisWorkload.ADDRESS).start();
      BufferedReader answers = client.inputReader(StandardCharsets.UTF_8);
      assertThat(answers.readLine()).isEqualTo("+PONG");
      HostState onB = HostState.of(testbed, "b");
      String id = beginAndAwaitPush(redis.pid(), "--service-ip", RedisWorkload.CIDR);
      if (killed) {
        testbed.killAndStart("b.target-agent");
      }
      resolve(id, "--abandon-target");
      assertThat(testbed.longshore().await(id).getState()).isEqualTo(State.STATE_FAILED);
      awaitTold(id);
      assertThat(testbed.hasAddress("b", RedisWorkload.ADDRESS)).isFalse();
      assertThat(testbed.hasAddress("a", RedisWorkload.ADDRESS)).isTrue();
      assertNothingIsLeftOnB(onB);
      testbed.shell("client", "touch /tmp/ask-again");
      assertThat(answers.readLine()).as("on the same connection").isEqualTo("+PONG");
      assertThat(client.waitFor()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theSourceIsAbandonedWhilePagesAreMissing(boolean targetKilled) {
    try (MemoryWorkload workload =
        MemoryWorkload.start(testbed, "a", "--size", "128m", "--threads", "2", "--children", "1")) {
      HostState onB = HostState.of(testbed, "b");
      String id = beginAndAwaitPush(workload.pid());
      testbed.service("kill", "a.source-agent");
      if (targetKilled) {
        testbed.killAndStart("b.target-agent");
      }
      resolve(id, "--abandon-source");
      Migration migration = testbed.longshore().await(id);
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_FAILED);
      assertThat(migration.getError().getReason()).isEqualTo("WORKLOAD_LOST");
      assertThat(testbed.hasProcess("b", workload.pid())).isFalse();
      assertNothingIsLeftOnB(onB);
      testbed.service("start", "a.source-agent");
      awaitTold(id);
      assertThat(testbed.hasProcess("a", workload.pid())).isFalse();
    }
  }

  private String beginAndAwaitPush(int pid, String... options) {
    List<String> all = new ArrayList<>(List.of(SLOWLY, "--strategy", "post-copy"));
    all.addAll(List.of(options));
    String id = testbed.longshore().begin(Move.of("a", "b", pid, all.toArray(String[]::new)));
    testbed.longshore().awaitState(id, State.STATE_PUSHING);
    return id;
  }

  private void resolve(String id, String decision) {
    testbed.longshore().command("resolve", id, decision, "--yes").run().expectSuccess();
  }

  private void awaitTold(String id) {
    await()
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(200))
        .until(() -> !testbed.longshore().get(id).getAbandonedNodePending());
  }

  /** Asked for its memory it waits, as most is not there; what it may answer is right. */
  private void assertSaysNothingWrong(MemoryWorkload workload) {
    String said = workload.reportIfAny("b", Duration.ofSeconds(3));
    assertThat(said)
        .satisfiesAnyOf(
            text -> assertThat(text).isBlank(),
            text -> assertThat(MemoryReport.parse(text).wrongPages()).isZero());
  }

  private void assertNothingIsLeftOnB(HostState before) {
    // The agent is another process now.
    before.assertUnchanged(testbed, "process");
    assertThat(testbed.shell("b", "ps -e -o args=").lines())
        .noneMatch(line -> line.contains("/work/keeper") || line.contains("criu restore"));
    testbed.assertDoctorFindsNothing("b");
  }
}
