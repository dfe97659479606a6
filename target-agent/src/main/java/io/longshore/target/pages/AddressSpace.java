package io.longshore.target.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.target.pages.PageMemory.Slots;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Where each announced page of one process is: still on the source (stale), in memory, known to be
 * zero, or installed in the process. Thread-safe.
 */
final class AddressSpace {
  private static final int STALE = -1;
  private static final int ZERO = -2;
  private static final int INSTALLED = -3;

  private final int vpid;
  private final PageMemory memory;
  private final long[] starts;

  @GuardedBy("this")
  private final int[][] slots;

  @GuardedBy("this")
  private long stale;

  /** Ranges must ascend and not overlap. */
  AddressSpace(int vpid, List<PageRange> ranges, PageMemory memory) {
    this.vpid = vpid;
    this.memory = memory;
    this.starts = new long[ranges.size()];
    this.slots = new int[ranges.size()][];
    long end = 0;
    for (int i = 0; i < starts.length; i++) {
      PageRange range = ranges.get(i);
      if (range.firstPage() < end) {
        throw new IllegalArgumentException("ranges of process " + vpid + " overlap at " + range);
      }
      end = range.endPage();
      starts[i] = range.firstPage();
      slots[i] = new int[range.count()];
      Arrays.fill(slots[i], STALE);
      stale += range.count();
    }
  }

  /**
   * Takes pages in.
   *
   * @param slotRuns slots that hold their content, in order; they belong to this table from now on
   * @throws PageNotAnnouncedException if a page was not announced; the slots stay the caller's
   */
  synchronized void store(long firstPage, int count, List<Slots> slotRuns) {
    int[] table = table(firstPage, count);
    int at = offset(firstPage);
    for (Slots run : slotRuns) {
      for (int i = 0; i < run.count(); i++) {
        put(table, at++, run.first() + i);
      }
    }
    notifyAll();
  }

  /** Takes pages in that are all zero. */
  synchronized void storeZero(long firstPage, int count) {
    int[] table = table(firstPage, count);
    int at = offset(firstPage);
    for (int i = 0; i < count; i++) {
      put(table, at + i, ZERO);
    }
    notifyAll();
  }

  /** Refuses pages that were not announced, before anything is copied. */
  synchronized void check(long firstPage, int count) {
    table(firstPage, count);
  }

  /**
   * Looks for adjacent pages that are here.
   *
   * @param content receives their bytes, in order; valid until they are declared installed
   * @return how many were found, from {@code firstPage} on; 0: the first one is missing
   */
  synchronized int find(long firstPage, int atMost, List<ByteBuffer> content) {
    int range = range(firstPage);
    int[] table = slots[range];
    int at = (int) (firstPage - starts[range]);
    int end = Math.min(table.length, at + atMost);
    int from = at;
    while (at < end && (table[at] >= 0 || table[at] == ZERO)) {
      int begin = at;
      int slot = table[at++];
      if (slot == ZERO) {
        while (at < end && table[at] == ZERO) {
          at++;
        }
        ZeroContent.append(at - begin, content);
      } else {
        while (at < end
            && table[at] == slot + (at - begin)
            && table[at] / PageMemory.SLOTS_PER_CHUNK == slot / PageMemory.SLOTS_PER_CHUNK) {
          at++;
        }
        content.add(memory.segment(slot, at - begin).asByteBuffer());
      }
    }
    return at - from;
  }

  /** Whether the page was here and is installed now. */
  synchronized boolean isInstalled(long page) {
    int range = range(page);
    return slots[range][(int) (page - starts[range])] == INSTALLED;
  }

  /** Waits until a page is here, or the time is over. */
  synchronized boolean awaitPage(long page, long nanos) throws InterruptedException {
    int range = range(page);
    int at = (int) (page - starts[range]);
    long deadline = System.nanoTime() + nanos;
    while (slots[range][at] == STALE || slots[range][at] == INSTALLED) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  /** Frees pages that {@link #find} returned: they are in the process now. */
  synchronized void installed(long firstPage, int count) {
    int[] table = table(firstPage, count);
    int at = offset(firstPage);
    int end = at + count;
    while (at < end) {
      int slot = table[at];
      int begin = at;
      table[at++] = INSTALLED;
      if (slot < 0) {
        continue;
      }
      while (at < end
          && table[at] == slot + (at - begin)
          && table[at] / PageMemory.SLOTS_PER_CHUNK == slot / PageMemory.SLOTS_PER_CHUNK) {
        table[at++] = INSTALLED;
      }
      memory.free(slot, at - begin);
    }
  }

  /** Pages that never arrived. */
  synchronized long stalePages() {
    return stale;
  }

  @GuardedBy("this")
  private void put(int[] table, int at, int slot) {
    int old = table[at];
    if (old >= 0 || old == ZERO) {
      // What is here may be on its way into the process: the first copy stays.
      if (slot >= 0) {
        memory.free(slot, 1);
      }
      return;
    }
    if (old == STALE) {
      stale--;
    }
    table[at] = slot;
  }

  @GuardedBy("this")
  private int[] table(long firstPage, int count) {
    int range = range(firstPage);
    if (count < 1 || firstPage - starts[range] + count > slots[range].length) {
      throw new PageNotAnnouncedException(vpid, firstPage, count);
    }
    return slots[range];
  }

  @GuardedBy("this")
  private int offset(long firstPage) {
    return (int) (firstPage - starts[range(firstPage)]);
  }

  @GuardedBy("this")
  private int range(long page) {
    int at = Arrays.binarySearch(starts, page);
    int range = at >= 0 ? at : -at - 2;
    if (range < 0 || page - starts[range] >= slots[range].length) {
      throw new PageNotAnnouncedException(vpid, page, 1);
    }
    return range;
  }
}
