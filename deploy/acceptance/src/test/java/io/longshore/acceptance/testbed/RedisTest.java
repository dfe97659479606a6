package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.longshore.acceptance.testbed.Longshore.Move;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A Redis keeps its clients when it moves. */
@OnTestbed
@Order(3)
class RedisTest {
  private final Testbeds testbeds;

  RedisTest(Testbeds testbeds) {
    this.testbeds = testbeds;
  }

  @ParameterizedTest
  @ValueSource(strings = {"stop-and-copy", "post-copy"})
  void itsClientsLoseNothingOnTheWayThereAndBack(String strategy) throws Exception {
    Testbed testbed = testbeds.usual();
    try (RedisWorkload redis = RedisWorkload.start(testbed, "a", 256L << 20);
        LoadRun load = redis.load(20)) {
      load.during();
      for (List<String> way : List.of(List.of("a", "b"), List.of("b", "a"))) {
        String from = way.getFirst();
        String to = way.getLast();
        testbed
            .longshore()
            .migrateSuccessfully(
                Move.of(
                    from,
                    to,
                    redis.pid(),
                    "--strategy",
                    strategy,
                    "--service-ip",
                    RedisWorkload.CIDR));
        assertThat(testbed.hasAddress(to, RedisWorkload.ADDRESS)).as("address on %s", to).isTrue();
        assertThat(testbed.hasAddress(from, RedisWorkload.ADDRESS))
            .as("address on %s", from)
            .isFalse();
        assertThat(testbed.hasProcess(from, redis.pid())).as("process on %s", from).isFalse();
        Thread.sleep(Duration.ofSeconds(1));
      }
      load.after();
      Thread.sleep(Duration.ofSeconds(1));
      JsonObject report = load.end();
      assertNothingLost(report);
      assertThat(
              report.getAsJsonObject("phases").getAsJsonObject("after").get("requests").getAsLong())
          .as("answers after the last migration: %s", report)
          .isPositive();
      JsonObject check = redis.check();
      assertThat(check.get("keys_checked").getAsLong()).isGreaterThan(200_000);
      assertThat(check.get("keys_wrong").getAsLong()).isZero();
    }
  }

  static void assertNothingLost(JsonObject report) {
    for (String figure : List.of("requests_failed", "answers_wrong", "connections_lost")) {
      assertThat(report.get(figure).getAsLong()).as("%s of %s", figure, report).isZero();
    }
    assertThat(report.get("requests").getAsLong()).isGreaterThan(1000);
  }
}
