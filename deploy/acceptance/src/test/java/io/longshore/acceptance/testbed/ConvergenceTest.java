package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.util.Durations;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Strategy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A workload that writes its memory faster than the link takes it, and what the policy says. */
@OnTestbed
class ConvergenceTest {
  /** Of 64 MiB nearly all is overwritten in the 2.7 s that the link takes for them. */
  private static final String[] SLOW_LINK = {"--rate", "200mbit"};

  private static final String[] QUICK_WRITER = {
    "--size", "64m", "--threads", "2", "--dirty", "20000"
  };

  private static final String[] THROTTLE = {"--on-no-convergence", "throttle"};

  private final Testbeds testbeds;

  ConvergenceTest(Testbeds testbeds) {
    this.testbeds = testbeds;
  }

  @Test
  void preCopyGoesOnAsHybridAndIsForcedOnlyOnRequest() {
    Testbed testbed = testbeds.with(SLOW_LINK);
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", QUICK_WRITER)) {
      Migration hybrid = preCopy(testbed, "a", "b", workload);
      assertThat(hybrid.getState()).as("%s", hybrid).isEqualTo(State.STATE_SUCCEEDED);
      assertThat(hybrid.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_HYBRID);
      assertThat(hybrid.getRequestedStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
      var _ = workload.assertWholeOn("b");

      Migration forced = preCopy(testbed, "b", "a", workload, "--on-no-convergence", "force");
      assertThat(forced.getState()).as("%s", forced).isEqualTo(State.STATE_SUCCEEDED);
      assertThat(forced.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
      var _ = workload.assertWholeOn("a");
      // It stood still while nearly all of it was sent; as hybrid it did not.
      assertThat(Durations.toMillis(forced.getResult().getDowntime()))
          .isGreaterThan(2 * Durations.toMillis(hybrid.getResult().getDowntime()))
          .isGreaterThan(1000);
    }
  }

  @Test
  void autoSendsItOnlyOnce() {
    Testbed testbed = testbeds.with(SLOW_LINK);
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", QUICK_WRITER)) {
      Migration moved =
          testbed
              .longshore()
              .migrateSuccessfully(Move.of("a", "b", workload.pid(), "--strategy", "auto"));
      assertThat(moved.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_POST_COPY);
      assertThat(moved.getResult().getBytesOnWire())
          .isLessThan(moved.getResult().getMemoryBytes() * 13 / 10);
      var _ = workload.assertWholeOn("b");
    }
  }

  @Test
  void isRolledBackWithoutAFreezeWherePostCopyIsForbidden() {
    Testbed testbed = testbeds.with(SLOW_LINK);
    HostState beforeOnB = HostState.of(testbed, "b");
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", QUICK_WRITER)) {
      HostState beforeOnA = HostState.of(testbed, "a");
      Migration aborted = preCopy(testbed, "a", "b", workload, "--post-copy", "forbidden");
      assertThat(aborted.getState()).isEqualTo(State.STATE_FAILED);
      assertThat(aborted.getError().getReason()).isEqualTo("NO_CONVERGENCE");
      var _ = workload.assertWholeOn("a");
      beforeOnA.assertUnchanged(testbed);
      beforeOnB.assertUnchanged(testbed);
    }
  }

  @Test
  void isSlowedUntilItConvergesAndHasAllItsTimeAgain() {
    Testbed testbed = testbeds.with(SLOW_LINK);
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", QUICK_WRITER)) {
      List<String> options = new ArrayList<>(List.of("--strategy", "pre-copy"));
      options.addAll(List.of(THROTTLE));
      String id =
          testbed
              .longshore()
              .begin(Move.of("a", "b", workload.pid(), options.toArray(String[]::new)));
      Set<Integer> slowedTo = new TreeSet<>();
      testbed
          .calls()
          .follow(
              id,
              Duration.ofMinutes(3),
              seen -> slowedTo.add(seen.getProgress().getThrottledPercent()));
      Migration moved = testbed.longshore().get(id);
      assertThat(moved.getState()).as("%s", moved).isEqualTo(State.STATE_SUCCEEDED);
      assertThat(moved.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
      assertThat(slowedTo).contains(0, 50);
      // What it would stand still for without that, see above.
      assertThat(Durations.toMillis(moved.getResult().getDowntime())).isLessThan(1000);
      var _ = workload.assertWholeOn("b");
      for (String host : Testbed.NODES) {
        assertThat(throttles(testbed, host)).isEmpty();
      }
    }
  }

  /** Whatever ends the rounds: the agent itself is killed, or an operator cancels. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void hasAllItsTimeAgainIfItStays(boolean killed) {
    Testbed testbed = testbeds.with(SLOW_LINK);
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", QUICK_WRITER)) {
      String before = cgroups(testbed, workload);
      List<String> options = new ArrayList<>(List.of("--strategy", "pre-copy"));
      options.addAll(List.of(THROTTLE));
      // It never converges: there is always more to send than so little time is enough for.
      options.addAll(List.of("--downtime-budget", "1", "--max-bandwidth", "10MB"));
      String id =
          testbed
              .longshore()
              .begin(Move.of("a", "b", workload.pid(), options.toArray(String[]::new)));
      await()
          .atMost(Duration.ofMinutes(3))
          .until(() -> testbed.longshore().get(id).getProgress().getThrottledPercent() > 0);
      assertThat(throttles(testbed, "a")).isNotEmpty();
      if (killed) {
        testbed.service("kill", "a.source-agent");
        await().atMost(Duration.ofSeconds(10)).until(() -> throttles(testbed, "a").isEmpty());
        assertThat(cgroups(testbed, workload)).doesNotContain("throttle");
        testbed.service("start", "a.source-agent");
      } else {
        assertThat(testbed.calls().cancel(id)).isTrue();
      }
      assertThat(testbed.longshore().await(id).getState())
          .isEqualTo(killed ? State.STATE_FAILED : State.STATE_CANCELLED);
      assertThat(throttles(testbed, "a")).isEmpty();
      assertThat(cgroups(testbed, workload)).isEqualTo(before);
      var _ = workload.assertWholeOn("a");
    }
  }

  private static String throttles(Testbed testbed, String host) {
    return testbed.shell(host, "find /sys/fs/cgroup -name 'longshore-throttle-*'");
  }

  private static String cgroups(Testbed testbed, MemoryWorkload workload) {
    return testbed.shell("a", "cat \"/proc/$1/cgroup\"", Integer.toString(workload.pid()));
  }

  private static Migration preCopy(
      Testbed testbed, String from, String to, MemoryWorkload workload, String... policy) {
    String[] options = new String[policy.length + 2];
    options[0] = "--strategy";
    options[1] = "pre-copy";
    System.arraycopy(policy, 0, options, 2, policy.length);
    return testbed.longshore().migrateToTheEnd(Move.of(from, to, workload.pid(), options));
  }
}
