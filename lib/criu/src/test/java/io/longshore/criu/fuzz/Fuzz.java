package io.longshore.criu.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;

/**
 * Runs a round again and again, each with random numbers of its own: for a few seconds, or for as
 * long as {@code -Dlongshore.fuzz.seconds} says. A round that fails, hangs, or leaves memory behind
 * fails the test; {@code -Dlongshore.fuzz.seed} repeats it.
 */
final class Fuzz {
  private static final Duration LONGEST_ROUND = Duration.ofSeconds(20);

  /** What is made once is far less; a kilobyte for each round of ten minutes is more. */
  private static final long MOST_GROWTH = 8 << 20;

  private static final int COLLECTIONS = 3;
  private static final byte[] TELLING = {0, 1, 0x7f, (byte) 0x80, (byte) 0xff, '/', '.'};

  interface Round {
    void run(Random random) throws Exception;
  }

  private Fuzz() {}

  static void run(Round round) {
    long seed = Long.getLong("longshore.fuzz.seed", System.nanoTime());
    Duration duration = Duration.ofSeconds(Long.getLong("longshore.fuzz.seconds", 3));
    System.out.println("seed: " + seed);
    long first = runFor(round, seed, duration.dividedBy(4));
    long before = usedMemory();
    long rounds = runFor(round, seed + first, duration.multipliedBy(3).dividedBy(4));
    long growth = usedMemory() - before;
    System.out.printf("rounds: %d, then %d; grown by %d bytes%n", first, rounds, growth);
    assertThat(growth).as("growth in %d rounds", rounds).isLessThan(MOST_GROWTH);
  }

  /** What an attacker or a broken disk makes of bytes. */
  static byte[] mutate(Random random, byte[] original) {
    byte[] bytes = original.clone();
    for (int changes = 1 + random.nextInt(6); changes > 0; changes--) {
      int at = bytes.length == 0 ? 0 : random.nextInt(bytes.length);
      bytes =
          switch (random.nextInt(6)) {
            case 0 -> replaced(bytes, at, (byte) random.nextInt());
            case 1 -> replaced(bytes, at, TELLING[random.nextInt(TELLING.length)]);
            case 2 -> Arrays.copyOf(bytes, at);
            case 3 -> spliced(bytes, at, random(random, 1 + random.nextInt(12)), at);
            case 4 -> spliced(bytes, at, new byte[0], Math.min(bytes.length, at + 4));
            default ->
                spliced(
                    bytes, at, Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 16)), at);
          };
    }
    return bytes;
  }

  static byte[] random(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private static long runFor(Round round, long seed, Duration duration) {
    long end = System.nanoTime() + duration.toNanos();
    long rounds = 0;
    while (System.nanoTime() < end) {
      long start = System.nanoTime();
      try {
        round.run(new Random(seed + rounds));
      } catch (Exception | Error e) {
        throw new AssertionError("with -Dlongshore.fuzz.seed=" + (seed + rounds), e);
      }
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .as("time of the round with -Dlongshore.fuzz.seed=%d", seed + rounds)
          .isLessThan(LONGEST_ROUND);
      rounds++;
    }
    return rounds;
  }

  /** What is in use for good: some is free only after a cleaner saw the first collection. */
  private static long usedMemory() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < COLLECTIONS; i++) {
      System.gc();
      least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return least;
  }

  private static byte[] replaced(byte[] bytes, int at, byte by) {
    if (bytes.length > 0) {
      bytes[at] = by;
    }
    return bytes;
  }

  private static byte[] spliced(byte[] bytes, int at, byte[] between, int from) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.write(bytes, 0, at);
    all.writeBytes(between);
    all.write(bytes, from, bytes.length - from);
    return all.toByteArray();
  }
}
