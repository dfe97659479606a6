package io.longshore.source.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * The pages that are stale on the target, and which of them a sender has taken. Each page is taken
 * once, by whoever comes first: a page stream in address order, or the fault stream because the
 * workload waits for it; and again if it was lost on its way. Thread-safe.
 */
public final class StalePages {
  private final List<PageRange> ranges;

  /** Of each process: where its ranges begin, and their numbers. */
  private final Map<Integer, NavigableMap<Long, Integer>> index = new HashMap<>();

  private final long total;

  @GuardedBy("this")
  private final List<BitSet> taken;

  @GuardedBy("this")
  private int cursorRange;

  @GuardedBy("this")
  private int cursorPage;

  @GuardedBy("this")
  private long left;

  /**
   * @param ranges ascending within each process, not overlapping
   */
  public StalePages(List<PageRange> ranges) {
    this.ranges = List.copyOf(ranges);
    this.taken = new ArrayList<>(ranges.size());
    long pages = 0;
    for (PageRange range : ranges) {
      index
          .computeIfAbsent(range.vpid(), vpid -> new TreeMap<>())
          .put(range.firstPage(), taken.size());
      taken.add(new BitSet(range.count()));
      pages += range.count();
    }
    this.total = pages;
    this.left = pages;
  }

  /** All pages, taken or not. */
  public long total() {
    return total;
  }

  /** Pages that nobody has taken. */
  public synchronized long left() {
    return left;
  }

  /**
   * Takes the next pages in order.
   *
   * @return pieces of together at most {@code atMost} pages; empty when all are taken
   */
  synchronized List<PageRange> takeNext(int atMost) {
    List<PageRange> pieces = new ArrayList<>();
    int room = atMost;
    while (room > 0 && cursorRange < ranges.size()) {
      PageRange range = ranges.get(cursorRange);
      BitSet marks = taken.get(cursorRange);
      int from = marks.nextClearBit(cursorPage);
      if (from >= range.count()) {
        cursorRange++;
        cursorPage = 0;
        continue;
      }
      int next = marks.nextSetBit(from);
      int end = Math.min(from + room, next < 0 ? range.count() : next);
      pieces.add(mark(range, marks, from, end));
      room -= end - from;
      cursorPage = end;
    }
    return pieces;
  }

  /**
   * Takes pages that are waited for.
   *
   * @param again take them even if they were taken before
   * @return pieces of what was asked for; without those that were taken or do not exist
   */
  synchronized List<PageRange> take(int vpid, long firstPage, int count, boolean again) {
    List<PageRange> pieces = new ArrayList<>();
    for (int i : near(vpid, firstPage, count)) {
      PageRange range = ranges.get(i);
      int from = (int) Math.max(0, Math.min(range.count(), firstPage - range.firstPage()));
      int end = (int) Math.max(0, Math.min(range.count(), firstPage + count - range.firstPage()));
      if (from >= end) {
        continue;
      }
      BitSet marks = taken.get(i);
      if (again) {
        pieces.add(range.part(from, end - from));
        continue;
      }
      int at = marks.nextClearBit(from);
      while (at < end) {
        int next = marks.nextSetBit(at);
        int stop = next < 0 ? end : Math.min(end, next);
        pieces.add(mark(range, marks, at, stop));
        at = marks.nextClearBit(stop);
      }
    }
    return pieces;
  }

  /**
   * The shortest ranges: stacks, global data and what allocators know of themselves, which every
   * thread needs to do anything at all.
   *
   * @return of together at most so many pages, in the order of the address space; taken or not
   */
  List<PageRange> shortest(int atMost) {
    List<PageRange> found = new ArrayList<>();
    List<PageRange> ascending = new ArrayList<>(ranges);
    ascending.sort(Comparator.comparingInt(PageRange::count));
    long pages = 0;
    for (PageRange range : ascending) {
      pages += range.count();
      if (pages > atMost) {
        break;
      }
      found.add(range);
    }
    found.sort(Comparator.comparingInt(PageRange::vpid).thenComparingLong(PageRange::firstPage));
    return found;
  }

  /**
   * Takes pages of these ranges.
   *
   * @return pieces of together at most {@code atMost} pages; empty when all of them are taken
   */
  synchronized List<PageRange> takeOf(List<PageRange> wanted, int atMost) {
    List<PageRange> pieces = new ArrayList<>();
    int room = atMost;
    for (PageRange range : wanted) {
      int i = near(range.vpid(), range.firstPage(), 1).iterator().next();
      BitSet marks = taken.get(i);
      for (int from = marks.nextClearBit(0);
          room > 0 && from < range.count();
          from = marks.nextClearBit(from)) {
        int next = marks.nextSetBit(from);
        int end = Math.min(from + room, next < 0 ? range.count() : next);
        pieces.add(mark(range, marks, from, end));
        room -= end - from;
      }
    }
    return pieces;
  }

  /** These pages were taken and did not get there: they can be taken again. */
  synchronized void giveBack(List<PageRange> lost) {
    for (PageRange pages : lost) {
      for (int i : near(pages.vpid(), pages.firstPage(), pages.count())) {
        PageRange range = ranges.get(i);
        int from = (int) Math.max(0, pages.firstPage() - range.firstPage());
        int end =
            (int) Math.min(range.count(), pages.firstPage() + pages.count() - range.firstPage());
        if (from < end) {
          BitSet marks = taken.get(i);
          left += marks.get(from, end).cardinality();
          marks.clear(from, end);
          if (i < cursorRange || (i == cursorRange && from < cursorPage)) {
            cursorRange = i;
            cursorPage = from;
          }
        }
      }
    }
  }

  /** Numbers of the ranges that may have some of these pages. */
  private Collection<Integer> near(int vpid, long firstPage, int count) {
    NavigableMap<Long, Integer> starts = index.get(vpid);
    if (starts == null || count < 1 || firstPage > Long.MAX_VALUE - count) {
      return List.of();
    }
    Long before = starts.floorKey(firstPage);
    return starts
        .subMap(before == null ? firstPage : before, true, firstPage + count, false)
        .values();
  }

  @GuardedBy("this")
  private PageRange mark(PageRange range, BitSet marks, int from, int end) {
    marks.set(from, end);
    left -= end - from;
    return range.part(from, end - from);
  }
}
