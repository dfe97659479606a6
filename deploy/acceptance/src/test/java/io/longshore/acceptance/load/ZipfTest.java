package io.longshore.acceptance.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ZipfTest {
  private static final int COUNT = 1000;
  private static final int DRAWN = 100_000;

  @Test
  void givesFewOftenAndEachSometimes() {
    int[] drawn = drawn(0.99);
    // The sum of 1 / r^0.99 for r from 1 to 1000 is 7.7.
    assertThat(Arrays.stream(drawn).max().orElseThrow()).isBetween(DRAWN / 9, DRAWN / 7);
    assertThat(Arrays.stream(drawn).filter(count -> count > 0).count())
        .isGreaterThan(COUNT * 9 / 10);
  }

  @Test
  void givesAllAsOftenWithoutAnExponent() {
    assertThat(Arrays.stream(drawn(0)).boxed())
        .allSatisfy(count -> assertThat(count).isBetween(50, 160));
  }

  private static int[] drawn(double exponent) {
    Zipf zipf = new Zipf(COUNT, exponent);
    SplittableRandom random = new SplittableRandom(1);
    int[] drawn = new int[COUNT];
    for (int i = 0; i < DRAWN; i++) {
      drawn[zipf.next(random)]++;
    }
    return drawn;
  }
}
