package io.longshore.source.pages;

import io.longshore.source.pages.Rounds.PageSpan;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Pages that the target was sent and keeps, by the {@link io.longshore.source.tracking.PageHash} of
 * what they held. Filled, then {@link #sorted}, then read by any thread.
 */
public final class SentContent {
  /** Nothing. */
  public static final SentContent NONE = new SentContent();

  private long[] hashes = new long[0];
  private long[] pages = new long[0];
  private int[] vpids = new int[0];
  private int count;

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
  }

  /** The same, in which pages can be found. */
  public SentContent sorted() {
    int[] order =
        IntStream.range(0, count)
            .boxed()
            .sorted((one, other) -> Long.compare(hashes[one], hashes[other]))
            .mapToInt(Integer::intValue)
            .toArray();
    SentContent result = new SentContent();
    result.hashes = Arrays.stream(order).mapToLong(i -> hashes[i]).toArray();
    result.pages = Arrays.stream(order).mapToLong(i -> pages[i]).toArray();
    result.vpids = Arrays.stream(order).map(i -> vpids[i]).toArray();
    result.count = count;
    return result;
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return count == 0;
  }

  /** A page that held what has this hash; null if there is none. */
  public @Nullable PageSpan find(long hash) {
    int at = Arrays.binarySearch(hashes, hash);
    return at < 0 ? null : new PageSpan(vpids[at], pages[at], 1);
  }
}
