package io.longshore.source.tracking;

import java.util.Arrays;

/**
 * The pages that a process has, with the {@link PageHash} of those whose content is known: 16 bytes
 * a page, ascending.
 */
final class PageHashes {
  private static final int WORDS = 2;

  /** A page is here with its hash or with 0, which no content has but by an odd chance. */
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
    count++;
  }

  /** Notes the hash of a page, if that is here. */
  void put(long page, long hash) {
    int index = find(page);
    if (index >= 0) {
      words[index * WORDS + 1] = hash;
    }
  }

  /** Takes a page and its hash. */
  interface Visitor {
    void visit(long page, long hash);
  }

  /** Visits all pages that have a hash. */
  void forEachKnown(Visitor visitor) {
    for (int index = 0; index < count; index++) {
      if (words[index * WORDS + 1] != 0) {
        visitor.visit(words[index * WORDS], words[index * WORDS + 1]);
      }
    }
  }

  /** Whether a page is here. */
  boolean has(long page) {
    return find(page) >= 0;
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
