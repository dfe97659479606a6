package io.longshore.source.profile;

import io.longshore.linux.PageSize;
import io.longshore.linux.ProcessMemoryReader;
import io.longshore.linux.SystemCallException;
import io.longshore.source.tracking.PageHash;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Reads drawn pages of a running workload again and again and tells which have changed. What counts
 * is content: a page that was written and holds what it held has not changed. A page that could not
 * be read once is gone, and left out from then on. One thread.
 */
final class PageSample implements AutoCloseable {
  private static final int BLOCK_PAGES = 256;

  private final SampledPages pages;
  private final long[] hashes;
  private final BitSet known = new BitSet();
  private final BitSet gone = new BitSet();
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment block =
      arena.allocate((long) BLOCK_PAGES * PageSize.BYTES, PageSize.BYTES);
  private final ProcessMemoryReader reader = new ProcessMemoryReader();

  /** Takes the content of pages; not to be kept. */
  interface Content {
    /** One page that is there. */
    void page(MemorySegment content, long offset);
  }

  PageSample(SampledPages pages) {
    this.pages = pages;
    this.hashes = new long[pages.count()];
  }

  /** Pages that are there. */
  int count() {
    return pages.count() - gone.cardinality();
  }

  /** How many of some are there. */
  int count(BitSet some) {
    BitSet there = (BitSet) some.clone();
    there.andNot(gone);
    return there.cardinality();
  }

  /** Which pages have changed since they were last read; at first all. */
  BitSet read() {
    return read((content, offset) -> {});
  }

  /** The same, and shows what they hold. */
  BitSet read(Content content) {
    BitSet changed = new BitSet();
    int from = 0;
    while (from < pages.count()) {
      int count = 1;
      while (count < BLOCK_PAGES
          && from + count < pages.count()
          && pages.pid(from + count) == pages.pid(from)) {
        count++;
      }
      readBlock(from, count, changed, content);
      from += count;
    }
    changed.andNot(gone);
    return changed;
  }

  private void readBlock(int from, int count, BitSet changed, Content content) {
    int done = 0;
    while (done < count) {
      int first = from + done;
      int left = count - done;
      long[] addresses = pages.addresses(first, first + left);
      long[] lengths = new long[left];
      Arrays.fill(lengths, PageSize.BYTES);
      int read;
      try {
        read =
            (int) (reader.read(pages.pid(first), addresses, lengths, left, block) / PageSize.BYTES);
      } catch (SystemCallException e) {
        // Ended, or became what may not be read: nothing of it is in the sample.
        gone.set(first, first + left);
        return;
      }
      for (int i = 0; i < read; i++) {
        compare(first + i, (long) i * PageSize.BYTES, changed, content);
      }
      if (read < left) {
        gone.set(first + read);
      }
      done += read + 1;
    }
  }

  private void compare(int page, long offset, BitSet changed, Content content) {
    long hash = PageHash.of(block.asSlice(offset, PageSize.BYTES));
    changed.set(page, !known.get(page) || hash != hashes[page]);
    known.set(page);
    hashes[page] = hash;
    if (!gone.get(page)) {
      content.page(block, offset);
    }
  }

  @Override
  public void close() {
    reader.close();
    arena.close();
  }
}
