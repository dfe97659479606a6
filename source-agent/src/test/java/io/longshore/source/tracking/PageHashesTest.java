package io.longshore.source.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;
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

  /** A CRC of the whole cannot tell such pages apart: each is a record that ends with its own. */
  @Test
  void recordsThatEndWithTheirOwnChecksumAreToldApart() {
    for (Supplier<Checksum> kind : List.<Supplier<Checksum>>of(CRC32::new, CRC32C::new)) {
      Set<Long> ofTheWhole = new HashSet<>();
      Set<Long> high = new HashSet<>();
      Set<Long> all = new HashSet<>();
      for (int i = 0; i < 1000; i++) {
        byte[] page = new byte[4096];
        new Random(i).nextBytes(page);
        Checksum own = kind.get();
        own.update(page, 0, 4092);
        ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN).putInt(4092, (int) own.getValue());
        Checksum whole = kind.get();
        whole.update(page, 0, 4096);
        ofTheWhole.add(whole.getValue());
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment content = arena.allocate(4096);
          content.copyFrom(MemorySegment.ofArray(page));
          long hash = PageHash.of(content);
          all.add(hash);
          high.add(hash >>> 32);
        }
      }
      assertThat(ofTheWhole).hasSize(1);
      assertThat(high).hasSize(1000);
      assertThat(all).hasSize(1000);
    }
  }

  private static void flip(MemorySegment page, int bit) {
    if (bit >= 0) {
      byte old = page.get(ValueLayout.JAVA_BYTE, bit / 8);
      page.set(ValueLayout.JAVA_BYTE, bit / 8, (byte) (old ^ 1 << bit % 8));
    }
  }
}
