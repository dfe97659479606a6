package io.longshore.source.tracking;

import com.dynatrace.hash4j.hashing.HashValue128;
import java.util.Arrays;

/**
 * The pages that a process has, with 128-bit hashes of those whose content is known: 24 bytes a
 * page, ascending.
 */
final class PageHashes {
  private static final int WORDS = 3;

  /** A page is here with its hash or with zeros, which no content has but by an odd chance. */
  private long[] words = new long[1024 * WORDS];

  private int count;

  /** Adds a page behind all that are here, without a hash. */
  void add(long page) {
    int at = Math.multiplyExact(count, WORDS);
    if (at == words.length) {
      words = Arrays.copyOf(words, Math.addExact(at, at / WORDS / 2 * WORDS));
    }
    words[at] = page;
    words[at + 1] = 0;
    words[at + 2] = 0;
    count++;
  }

  /** Notes the hash of a page, if that is here. */
  void put(long page, HashValue128 hash) {
    int index = find(page);
    if (index >= 0) {
      words[index * WORDS + 1] = hash.getMostSignificantBits();
      words[index * WORDS + 2] = hash.getLeastSignificantBits();
    }
  }

  /** Whether a page is here with this hash. */
  boolean contains(long page, HashValue128 hash) {
    int index = find(page);
    return index >= 0
        && words[index * WORDS + 1] == hash.getMostSignificantBits()
        && words[index * WORDS + 2] == hash.getLeastSignificantBits();
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
