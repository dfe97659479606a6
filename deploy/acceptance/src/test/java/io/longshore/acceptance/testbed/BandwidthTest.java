package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A bandwidth is kept, and another holds within a second, on the wire. */
@OnTestbed
@Order(3)
class BandwidthTest {
  private static final long MEGABYTE = 1_000_000;
  private static final double OVERHEAD = 1.05;

  /** A batch of pages on each of two streams is sent at once, and then paid for. */
  private static final long AHEAD = 2 << 20;

  private final Testbed testbed;

  BandwidthTest(Testbeds testbeds) {
    testbed = testbeds.usual();
  }

  @ParameterizedTest
  @CsvSource({"hybrid, STATE_COPYING", "post-copy, STATE_PUSHING"})
  void anotherBandwidthShowsOnTheWireWithinASecond(String strategy, Migration.State state)
      throws Exception {
    try (MemoryWorkload workload =
        MemoryWorkload.start(testbed, "a", "--size", "192m", "--threads", "2")) {
      Move move =
          Move.of("a", "b", workload.pid(), "--strategy", strategy, "--max-bandwidth", "10MB");
      String id = testbed.longshore().begin(move);
      testbed.longshore().awaitState(id, state);
      assertThat(rate()).as("bytes a second").isBetween(7.0 * MEGABYTE, atMost(10));

      testbed.longshore().command("update", id, "--max-bandwidth", "3MB").run().expectSuccess();
      Thread.sleep(1000);
      assertThat(rate()).as("bytes a second").isBetween(1.0 * MEGABYTE, atMost(3));

      testbed.longshore().command("update", id, "--max-bandwidth", "none").run().expectSuccess();
      Migration migration = testbed.longshore().await(id);
      assertThat(migration.getState()).isEqualTo(Migration.State.STATE_SUCCEEDED);
      workload.assertRightOn("b");
    }
  }

  private static double atMost(long megabytes) {
    return megabytes * MEGABYTE * OVERHEAD + AHEAD;
  }

  /** Bytes a second that a sends, over a second. */
  private double rate() throws InterruptedException {
    long begin = System.nanoTime();
    long before = sent();
    Thread.sleep(1000);
    return (sent() - before) * 1e9 / (System.nanoTime() - begin);
  }

  private long sent() {
    return Long.parseLong(
        testbed.shell("a", "cat /sys/class/net/eth0/statistics/tx_bytes").strip());
  }
}
