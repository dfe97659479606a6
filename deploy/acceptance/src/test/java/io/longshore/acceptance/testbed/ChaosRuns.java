package io.longshore.acceptance.testbed;

import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random migrations during which random things fail at random times (deploy/chaos). A run is
 * repeated by its seed.
 */
@OnTestbed
@Order(8)
class ChaosRuns {
  private static final int RUNS = Integer.getInteger("longshore.chaos.runs", 20);
  private static final long SEED = Long.getLong("longshore.chaos.seed", 1);

  private final ChaosGround ground;

  ChaosRuns(Testbeds testbeds) {
    ground = ChaosGround.on(testbeds);
  }

  static LongStream seeds() {
    return LongStream.range(SEED, SEED + RUNS);
  }

  @AfterAll
  static void letGo() {
    ChaosGround.letGo();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void isWholeInOnePlaceWhateverFails(long seed) {
    var _ = ground.check(ChaosScenario.of(seed), "deploy/chaos --runs 1 --seed " + seed);
  }
}
