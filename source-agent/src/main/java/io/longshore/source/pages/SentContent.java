package io.longshore.source.pages;

import io.longshore.source.pages.Rounds.PageSpan;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Pages that the target was sent and keeps, by the {@link io.longshore.source.tracking.PageHash} of
 * what they held: 20 bytes a page, and a table of twice their number. Filled by one thread, then
 * read by any.
 */
public final class SentContent {
  /** Nothing. */
  public static final SentContent NONE = new SentContent();

  private long[] hashes = new long[0];
  private long[] pages = new long[0];
  private int[] vpids = new int[0];
  private int count;

  /** By hash, with open addressing: the number of a page and 1, or 0. */
  private int[] table = new int[2];

  /** Adds a page. */
  public void add(long hash, int vpid, long page) {
    if (count == hashes.length) {
      int longer = Math.max(1024, Math.addExact(count, count / 2));
      hashes = Arrays.copyOf(hashes, longer);
      pages = Arrays.copyOf(pages, longer);
      vpids = Arrays.copyOf(vpids, longer);
    }
    hashes[count] = hash;
    pages[count] = page;
    vpids[count] = vpid;
    count++;
    if (2 * count > table.length) {
      table = new int[2 * table.length];
      for (int i = 0; i < count; i++) {
        table[place(hashes[i])] = i + 1;
      }
    } else {
      table[place(hash)] = count;
    }
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return count == 0;
  }

  /** A page that held what has this hash; null if there is none. */
  public @Nullable PageSpan find(long hash) {
    int index = table[place(hash)] - 1;
    return index < 0 ? null : new PageSpan(vpids[index], pages[index], 1);
  }

  /** Where a hash is in the table, or would be: half of it is free. */
  private int place(long hash) {
    int mask = table.length - 1;
    int at = (int) (hash ^ hash >>> 32) & mask;
    while (table[at] != 0 && hashes[table[at] - 1] != hash) {
      at = (at + 1) & mask;
    }
    return at;
  }
}
