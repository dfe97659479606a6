package io.longshore.source.tracking;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/**
 * The pages that a process has, with the hashes of those whose content is known: 16 bytes a page,
 * ascending.
 *
 * <p>The hash is CRC-32 and CRC-32C side by side, which is a CRC of 64 bits, for processors compute
 * both as fast as memory is read. A page whose content is another keeps its hash with a probability
 * of 2<sup>-64</sup>: with a million changed pages a second, one would be missed in half a million
 * years. It is not cryptographic: a workload that makes collisions loses pages of its own.
 */
final class PageHashes {
  private static final int WORDS = 2;

  /** A page is here with its hash or with 0, which no content has but by an odd chance. */
  private long[] words = new long[1024 * WORDS];

  private int count;

  /**
   * The hash of a content.
   *
   * @param content off-heap
   */
  static long hash(MemorySegment content) {
    CRC32 high = new CRC32();
    high.update(content.asByteBuffer());
    CRC32C low = new CRC32C();
    low.update(content.asByteBuffer());
    return high.getValue() << 32 | low.getValue();
  }

  /** Adds a page behind all that are here, without a hash. */
  void add(long page) {
    int at = Math.multiplyExact(count, WORDS);
    if (at == words.length) {
      words = Arrays.copyOf(words, Math.addExact(at, at / WORDS / 2 * WORDS));
    }
    words[at] = page;
    words[at + 1] = 0;
    count++;
  }

  /** Notes the hash of a page, if that is here. */
  void put(long page, long hash) {
    int index = find(page);
    if (index >= 0) {
      words[index * WORDS + 1] = hash;
    }
  }

  /** Whether a page is here with this hash. */
  boolean contains(long page, long hash) {
    int index = find(page);
    return index >= 0 && words[index * WORDS + 1] == hash;
  }

  private int find(long page) {
    int low = 0;
    int high = count - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      long found = words[middle * WORDS];
      if (found == page) {
        return middle;
      }
      if (found < page) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }
}
