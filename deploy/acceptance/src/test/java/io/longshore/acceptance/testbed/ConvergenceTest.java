package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.Durations;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Strategy;
import org.junit.jupiter.api.Test;

/** A workload that writes its memory faster than the link takes it, and what the policy says. */
@OnTestbed
class ConvergenceTest {
  /** Of 64 MiB nearly all is overwritten in the 2.7 s that the link takes for them. */
  private static final String[] SLOW_LINK = {"--rate", "200mbit"};

  private static final String[] QUICK_WRITER = {
    "--size", "64m", "--threads", "2", "--dirty", "20000"
  };

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

  private static Migration preCopy(
      Testbed testbed, String from, String to, MemoryWorkload workload, String... policy) {
    String[] options = new String[policy.length + 2];
    options[0] = "--strategy";
    options[1] = "pre-copy";
    System.arraycopy(policy, 0, options, 2, policy.length);
    return testbed.longshore().migrateToTheEnd(Move.of(from, to, workload.pid(), options));
  }
}
