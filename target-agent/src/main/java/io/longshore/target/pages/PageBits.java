package io.longshore.target.pages;

import java.util.concurrent.atomic.AtomicLongArray;

/** A bit for each of some pages, all set at first. Thread-safe without a lock. */
final class PageBits {
  private final AtomicLongArray words;
  private final int size;

  PageBits(int size) {
    this.size = size;
    this.words = new AtomicLongArray((size + 63) >>> 6);
    for (int i = 0; i < words.length(); i++) {
      words.setPlain(i, mask(i, 0, size));
    }
  }

  /** The same bits, which change on their own from now on. */
  PageBits(PageBits other) {
    this.size = other.size;
    this.words = new AtomicLongArray(other.words.length());
    for (int i = 0; i < words.length(); i++) {
      words.setPlain(i, other.words.get(i));
    }
  }

  boolean get(int index) {
    return (words.get(index >>> 6) >>> index & 1) != 0;
  }

  /**
   * Clears the bits from {@code from} to before {@code end}.
   *
   * @return how many of them were set; bits that several threads clear are counted once
   */
  int clear(int from, int end) {
    int cleared = 0;
    for (int word = from >>> 6; word << 6 < end; word++) {
      long mask = mask(word, from, end);
      cleared +=
          Long.bitCount(words.getAndAccumulate(word, ~mask, (old, keep) -> old & keep) & mask);
    }
    return cleared;
  }

  /** The first set bit from {@code from} on; {@code end} if there is none before it. */
  int nextSet(int from, int end) {
    return next(from, end, 0);
  }

  /** The first clear bit from {@code from} on; {@code end} if there is none before it. */
  int nextClear(int from, int end) {
    return next(from, end, -1);
  }

  /** How many are set. */
  int count() {
    int count = 0;
    for (int i = 0; i < words.length(); i++) {
      count += Long.bitCount(words.get(i));
    }
    return count;
  }

  private int next(int from, int end, long flip) {
    int at = from;
    while (at < end) {
      long word = (words.get(at >>> 6) ^ flip) >>> at;
      if (word != 0) {
        return Math.min(end, at + Long.numberOfTrailingZeros(word));
      }
      at = (at | 63) + 1;
    }
    return end;
  }

  /** The bits of a word that lie between two indices. */
  private static long mask(int word, int from, int end) {
    int low = Math.max(0, from - (word << 6));
    int high = Math.min(64, end - (word << 6));
    return high <= low ? 0 : -1L >>> (64 - (high - low)) << low;
  }
}
