package io.longshore.target.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.PageSize;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Pages that come in rounds, while the workload runs on the source and nobody knows yet which pages
 * it will have in the end. A page that comes again replaces what was there, in the same memory, so
 * however many rounds there are they take no more than the workload has. Thread-safe.
 */
final class RoundPages {
  /** Nothing came, or what came is stale. */
  static final int ABSENT = -1;

  /** All zero. */
  static final int ZERO = -2;

  private static final int GROUP_PAGES = 64;

  /** Groups that may be there beside one for each page: the tables take a tenth of the pages. */
  private static final int MARGIN_GROUPS = 1024;

  private final PageMemory kept;
  private final long maximumGroups;

  /** Of each process, by page number / 64: where each page is kept. */
  @GuardedBy("this")
  private final Map<Integer, Map<Long, int[]>> slots = new HashMap<>();

  @GuardedBy("this")
  private long groups;

  @GuardedBy("this")
  private boolean ended;

  /**
   * @param limitPages how many were admitted
   */
  RoundPages(PageMemory kept, long limitPages) {
    this.kept = kept;
    this.maximumGroups = limitPages + MARGIN_GROUPS;
  }

  /**
   * Keeps pages.
   *
   * @param content of all of them; used only during the call
   * @throws PageStoreFullException if no more may be kept; some may have been kept then
   * @throws PageNotAnnouncedException if the rounds are over
   */
  synchronized void keep(int vpid, PageRange range, MemorySegment content) {
    requireRounds(vpid, range);
    int at = 0;
    while (at < range.count()) {
      long page = range.firstPage() + at;
      int slot = slot(vpid, page);
      int count = slot >= 0 ? 1 : absentFrom(vpid, page, range.count() - at);
      if (slot >= 0) {
        copy(content, at, slot, 1);
      } else {
        PageMemory.Slots room = kept.allocate(count);
        count = room.count();
        copy(content, at, room.first(), count);
        for (int i = 0; i < count; i++) {
          put(vpid, page + i, room.first() + i);
        }
      }
      at += count;
    }
  }

  /** Keeps pages that are all zero. */
  synchronized void keepZero(int vpid, PageRange range) {
    requireRounds(vpid, range);
    for (int at = 0; at < range.count(); at++) {
      long page = range.firstPage() + at;
      int slot = slot(vpid, page);
      if (slot >= 0) {
        kept.loosen(slot);
      }
      put(vpid, page, ZERO);
    }
  }

  /**
   * Copies pages; they stay here.
   *
   * @param into off-heap or not, of their size
   * @throws PageNotAnnouncedException if one is not here
   */
  synchronized void copy(int vpid, PageRange range, MemorySegment into) {
    for (int at = 0; at < range.count(); at++) {
      int slot = slot(vpid, range.firstPage() + at);
      MemorySegment page = into.asSlice((long) at * PageSize.BYTES, PageSize.BYTES);
      if (slot == ABSENT) {
        throw new PageNotAnnouncedException(vpid, range.firstPage() + at, 1);
      }
      if (slot == ZERO) {
        page.fill((byte) 0);
      } else {
        page.copyFrom(kept.segment(slot, 1));
      }
    }
  }

  /** Forgets pages; those that never came are no harm. */
  synchronized void forget(int vpid, long firstPage, long count) {
    Map<Long, int[]> process = slots.get(vpid);
    if (process == null || firstPage < 0 || count < 1 || firstPage > Long.MAX_VALUE - count) {
      return;
    }
    long end = firstPage + count;
    // A span may be absurdly long, what came is not.
    if (count / GROUP_PAGES > process.size()) {
      process.forEach((group, pages) -> forget(group, pages, firstPage, end));
    } else {
      for (long group = firstPage / GROUP_PAGES; group * GROUP_PAGES < end; group++) {
        int[] pages = process.get(group);
        if (pages != null) {
          forget(group, pages, firstPage, end);
        }
      }
    }
  }

  /**
   * No more rounds.
   *
   * @param announced of each process
   * @param roundPages how many of the announced pages must be here
   * @throws IllegalArgumentException if there are more or less; the rounds are not over then
   */
  synchronized void end(Map<Integer, List<PageRange>> announced, long roundPages) {
    long found = 0;
    for (Map.Entry<Integer, List<PageRange>> process : announced.entrySet()) {
      if (slots.containsKey(process.getKey())) {
        for (PageRange range : process.getValue()) {
          found += present(process.getKey(), range);
        }
      }
    }
    if (found != roundPages) {
      throw new IllegalArgumentException(
          "%d of the pages came in rounds and were not stale; the source says %d"
              .formatted(found, roundPages));
    }
    ended = true;
  }

  /**
   * Takes pages out.
   *
   * @param into is given, from {@code at} on, their slots, {@link #ZERO} or {@link #ABSENT}
   */
  synchronized void take(int vpid, PageRange range, int[] into, int at) {
    for (long page = range.firstPage(); page < range.endPage(); ) {
      int from = (int) (page % GROUP_PAGES);
      int count = (int) Math.min(GROUP_PAGES - from, range.endPage() - page);
      int[] group = group(vpid, page);
      int to = at + (int) (page - range.firstPage());
      if (group == null) {
        Arrays.fill(into, to, to + count, ABSENT);
      } else {
        System.arraycopy(group, from, into, to, count);
        Arrays.fill(group, from, from + count, ABSENT);
      }
      page += count;
    }
  }

  /** Forgets all that was not taken. */
  synchronized void clear() {
    for (Map<Long, int[]> process : slots.values()) {
      for (int[] group : process.values()) {
        for (int slot : group) {
          if (slot >= 0) {
            kept.loosen(slot);
          }
        }
      }
    }
    slots.clear();
    groups = 0;
  }

  @GuardedBy("this")
  private void requireRounds(int vpid, PageRange range) {
    if (ended) {
      throw new PageNotAnnouncedException(vpid, range.firstPage(), range.count());
    }
  }

  @GuardedBy("this")
  private void forget(long group, int[] pages, long firstPage, long end) {
    for (int i = 0; i < GROUP_PAGES; i++) {
      long page = group * GROUP_PAGES + i;
      if (page >= firstPage && page < end) {
        if (pages[i] >= 0) {
          kept.loosen(pages[i]);
        }
        pages[i] = ABSENT;
      }
    }
  }

  private void copy(MemorySegment content, int at, int slot, int count) {
    kept.segment(slot, count)
        .copyFrom(content.asSlice((long) at * PageSize.BYTES, (long) count * PageSize.BYTES));
  }

  @GuardedBy("this")
  private int present(int vpid, PageRange range) {
    int present = 0;
    for (long page = range.firstPage(); page < range.endPage(); ) {
      int from = (int) (page % GROUP_PAGES);
      int count = (int) Math.min(GROUP_PAGES - from, range.endPage() - page);
      int[] group = group(vpid, page);
      for (int i = from; group != null && i < from + count; i++) {
        present += group[i] == ABSENT ? 0 : 1;
      }
      page += count;
    }
    return present;
  }

  /** How many pages from this one on, at most so many, have no slot. */
  @GuardedBy("this")
  private int absentFrom(int vpid, long page, int atMost) {
    int count = 1;
    while (count < atMost && slot(vpid, page + count) < 0) {
      count++;
    }
    return count;
  }

  @GuardedBy("this")
  private int slot(int vpid, long page) {
    int[] group = group(vpid, page);
    return group == null ? ABSENT : group[(int) (page % GROUP_PAGES)];
  }

  @GuardedBy("this")
  private int @Nullable [] group(int vpid, long page) {
    Map<Long, int[]> process = slots.get(vpid);
    return process == null ? null : process.get(page / GROUP_PAGES);
  }

  @GuardedBy("this")
  private void put(int vpid, long page, int slot) {
    int[] group = group(vpid, page);
    if (group == null) {
      if (groups == maximumGroups) {
        throw new PageStoreFullException(kept.mappedBytes(), null);
      }
      groups++;
      group = new int[GROUP_PAGES];
      Arrays.fill(group, ABSENT);
      slots.computeIfAbsent(vpid, process -> new HashMap<>()).put(page / GROUP_PAGES, group);
    }
    group[(int) (page % GROUP_PAGES)] = slot;
  }
}
