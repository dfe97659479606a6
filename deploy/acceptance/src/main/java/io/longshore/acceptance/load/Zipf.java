package io.longshore.acceptance.load;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Numbers of which few come often and most seldom: the one of rank r with a frequency of 1 / r^s.
 * Which ranks they have is spread over all of them, as they would lie in memory.
 */
final class Zipf {
  /** A prime larger than any count of keys, so that no two ranks meet. */
  private static final long SPREAD = 2_147_483_647;

  private final double[] cumulated;

  /**
   * @param count from 0 to before it
   * @param exponent s; with 0 all are as frequent
   */
  Zipf(int count, double exponent) {
    cumulated = new double[count];
    double sum = 0;
    for (int rank = 0; rank < count; rank++) {
      sum += Math.pow(rank + 1.0, -exponent);
      cumulated[rank] = sum;
    }
  }

  int next(SplittableRandom random) {
    int count = cumulated.length;
    int found = Arrays.binarySearch(cumulated, random.nextDouble(cumulated[count - 1]));
    int rank = Math.min(count - 1, found < 0 ? -found - 1 : found + 1);
    return (int) (rank * SPREAD % count);
  }
}
