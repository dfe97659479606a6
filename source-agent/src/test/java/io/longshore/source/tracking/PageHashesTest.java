package io.longshore.source.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PageHashesTest {
  private final PageHashes hashes = new PageHashes();

  @Test
  void aPageIsHereWithTheHashThatWasPut() {
    for (long page = 0; page < 5000; page += 5) {
      hashes.add(page);
    }
    hashes.put(1005, 7);
    hashes.put(4995, 8);
    hashes.put(1006, 9);

    assertThat(hashes.contains(1005, 7)).isTrue();
    assertThat(hashes.contains(4995, 8)).isTrue();
    assertThat(hashes.contains(1005, 8)).isFalse();
    assertThat(hashes.contains(1010, 7)).isFalse();
    assertThat(hashes.contains(1006, 9)).as("was never added").isFalse();
  }

  @Test
  void everyBitOfAPageCounts() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(4096);
      for (int i = 0; i < 4096; i += 8) {
        page.set(ValueLayout.JAVA_LONG, i, new Random(i).nextLong());
      }
      Set<Integer> high = new HashSet<>();
      Set<Integer> low = new HashSet<>();
      for (int bit = -1; bit < 4096 * 8; bit++) {
        flip(page, bit);
        long hash = PageHash.of(page);
        flip(page, bit);
        high.add((int) (hash >> 32));
        low.add((int) hash);
      }
      assertThat(high).hasSize(4096 * 8 + 1);
      assertThat(low).hasSize(4096 * 8 + 1);
    }
  }

  private static void flip(MemorySegment page, int bit) {
    if (bit >= 0) {
      byte old = page.get(ValueLayout.JAVA_BYTE, bit / 8);
      page.set(ValueLayout.JAVA_BYTE, bit / 8, (byte) (old ^ 1 << bit % 8));
    }
  }
}
