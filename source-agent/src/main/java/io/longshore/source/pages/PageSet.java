package io.longshore.source.pages;

import io.longshore.source.pages.Rounds.PageSpan;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Pages of several processes: a bit for each, in parts of the address space. Not thread-safe. */
final class PageSet {
  private static final int PART_PAGES = 1 << 15;

  /** Of each process, by page number / 32768. */
  private final Map<Integer, TreeMap<Long, BitSet>> parts = new HashMap<>();

  void add(int vpid, long firstPage, long count) {
    TreeMap<Long, BitSet> process = parts.computeIfAbsent(vpid, of -> new TreeMap<>());
    split(
        firstPage,
        count,
        (part, from, end) -> process.computeIfAbsent(part, of -> new BitSet()).set(from, end));
  }

  void remove(int vpid, long firstPage, long count) {
    TreeMap<Long, BitSet> process = parts.getOrDefault(vpid, new TreeMap<>());
    split(
        firstPage,
        count,
        (part, from, end) -> {
          BitSet bits = process.get(part);
          if (bits != null) {
            bits.clear(from, end);
          }
        });
  }

  boolean contains(int vpid, long page) {
    BitSet bits = parts.getOrDefault(vpid, new TreeMap<>()).get(page / PART_PAGES);
    return bits != null && bits.get((int) (page % PART_PAGES));
  }

  /** Keeps only pages of these processes. */
  void retain(Set<Integer> vpids) {
    parts.keySet().retainAll(vpids);
  }

  /** Pages of these ranges that are not in the set, in the same order. */
  List<PageRange> missingOf(List<PageRange> ranges) {
    List<PageRange> missing = new ArrayList<>();
    for (PageRange range : ranges) {
      TreeMap<Long, BitSet> process = parts.getOrDefault(range.vpid(), new TreeMap<>());
      Joined joined = new Joined(range, missing);
      split(
          range.firstPage(),
          range.count(),
          (part, from, end) -> {
            BitSet bits = process.getOrDefault(part, new BitSet());
            for (int at = bits.nextClearBit(from); at < end; ) {
              int next = bits.nextSetBit(at);
              int stop = next < 0 ? end : Math.min(end, next);
              joined.add(part * PART_PAGES + at, stop - at);
              at = bits.nextClearBit(stop);
            }
          });
      joined.end();
    }
    return missing;
  }

  /** Pages of this set that are not in another. */
  List<PageSpan> without(PageSet other) {
    List<PageSpan> spans = new ArrayList<>();
    parts.forEach(
        (vpid, process) -> {
          TreeMap<Long, BitSet> others = other.parts.getOrDefault(vpid, new TreeMap<>());
          process.forEach(
              (part, bits) -> {
                BitSet left = (BitSet) bits.clone();
                left.andNot(others.getOrDefault(part, new BitSet()));
                for (int at = left.nextSetBit(0); at >= 0; ) {
                  int end = left.nextClearBit(at);
                  spans.add(new PageSpan(vpid, part * PART_PAGES + at, end - at));
                  at = left.nextSetBit(end);
                }
              });
        });
    return spans;
  }

  /** How many. */
  long size() {
    return parts.values().stream()
        .flatMap(process -> process.values().stream())
        .mapToLong(BitSet::cardinality)
        .sum();
  }

  private interface Piece {
    void visit(long part, int from, int end);
  }

  private static void split(long firstPage, long count, Piece piece) {
    long end = Math.addExact(firstPage, count);
    for (long page = firstPage; page < end; ) {
      long part = page / PART_PAGES;
      int from = (int) (page % PART_PAGES);
      int to = (int) Math.min(PART_PAGES, from + end - page);
      piece.visit(part, from, to);
      page += to - from;
    }
  }

  /** Joins what touches, because parts are no borders. */
  private static final class Joined {
    private final PageRange range;
    private final List<PageRange> into;
    private long first;
    private int count;

    Joined(PageRange range, List<PageRange> into) {
      this.range = range;
      this.into = into;
    }

    void add(long page, int more) {
      if (count > 0 && first + count == page) {
        count += more;
        return;
      }
      end();
      first = page;
      count = more;
    }

    void end() {
      if (count > 0) {
        into.add(range.part((int) (first - range.firstPage()), count));
        count = 0;
      }
    }
  }
}
