package io.longshore.source.tracking;

import io.longshore.linux.PageMapEntries;
import java.util.Arrays;

/**
 * The pages that a process has, each with where its content is and whether it was written since
 * that was last asked: 16 bytes a page, ascending.
 */
final class PagePlaces {
  private static final int WORDS = 2;

  /** A bit that no place has: {@link PageMapEntries} uses it for the same. */
  private static final long WRITTEN = PageMapEntries.SOFT_DIRTY;

  private long[] words = new long[1024 * WORDS];
  private int count;

  /** Adds a page behind all that are here. */
  void add(long page, long where, boolean written) {
    int at = Math.multiplyExact(count, WORDS);
    if (at == words.length) {
      words = Arrays.copyOf(words, Math.addExact(at, at / WORDS / 2 * WORDS));
    }
    words[at] = page;
    words[at + 1] = written ? where | WRITTEN : where;
    count++;
  }

  /** All of them. */
  PageRanges all() {
    return changedSince(new PagePlaces());
  }

  /** Pages that were written, and those that an earlier look found elsewhere or not at all. */
  PageRanges changedSince(PagePlaces before) {
    PageRanges changed = new PageRanges();
    int known = 0;
    for (int i = 0; i < count; i++) {
      long page = words[i * WORDS];
      long found = words[i * WORDS + 1];
      while (known < before.count && before.words[known * WORDS] < page) {
        known++;
      }
      boolean same =
          known < before.count
              && before.words[known * WORDS] == page
              && (before.words[known * WORDS + 1] & ~WRITTEN) == found;
      if (!same) {
        changed.addPage(page);
      }
    }
    return changed;
  }
}
