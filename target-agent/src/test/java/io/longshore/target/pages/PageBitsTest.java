package io.longshore.target.pages;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PageBitsTest {
  @Test
  void behavesAsAListOfBits() {
    long seed = System.nanoTime();
    System.out.println("seed: " + seed);
    Random random = new Random(seed);
    for (int size : new int[] {0, 1, 63, 64, 65, 1000}) {
      PageBits bits = new PageBits(size);
      BitSet expected = new BitSet();
      expected.set(0, size);
      for (int round = 0; round < 50 && size > 0; round++) {
        int from = random.nextInt(size);
        int end = from + random.nextInt(size - from + 1);
        int before = expected.cardinality();
        expected.clear(from, end);
        assertThat(bits.clear(from, end)).isEqualTo(before - expected.cardinality());
        assertThat(bits.clear(from, end)).isZero();
        int at = random.nextInt(size);
        int set = expected.nextSetBit(at);
        assertThat(bits.nextSet(at, size)).isEqualTo(set < 0 ? size : set);
        assertThat(bits.nextClear(at, size)).isEqualTo(Math.min(size, expected.nextClearBit(at)));
        assertThat(bits.get(at)).isEqualTo(expected.get(at));
        assertThat(bits.count()).isEqualTo(expected.cardinality());
      }
      assertThat(bits.count()).isEqualTo(expected.cardinality());
    }
  }

  @Test
  void aCopyChangesOnItsOwn() {
    PageBits bits = new PageBits(100);
    PageBits copy = new PageBits(bits);
    bits.clear(0, 50);
    assertThat(copy.count()).isEqualTo(100);
    assertThat(bits.count()).isEqualTo(50);
  }
}
