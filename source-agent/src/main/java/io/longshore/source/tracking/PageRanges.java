package io.longshore.source.tracking;

import io.longshore.linux.PageSize;
import io.longshore.source.tracking.WrittenPages.Range;
import java.util.ArrayList;
import java.util.List;

/** Collects pages of one process in ascending order. */
final class PageRanges {
  private final List<Range> ranges = new ArrayList<>();

  /** Adds the pages of {@code [start, end)}, addresses, behind all that are here. */
  void add(long start, long end) {
    long first = start / PageSize.BYTES;
    long count = (end - start) / PageSize.BYTES;
    if (!ranges.isEmpty()) {
      Range last = ranges.getLast();
      if (last.firstPage() + last.count() == first) {
        ranges.set(ranges.size() - 1, new Range(last.firstPage(), last.count() + count));
        return;
      }
    }
    ranges.add(new Range(first, count));
  }

  /** Adds a page behind all that are here. */
  void addPage(long page) {
    add(page * PageSize.BYTES, (page + 1) * PageSize.BYTES);
  }

  /** Adds what was collected apart from these, and lies behind them. */
  void addAll(PageRanges more) {
    for (Range range : more.ranges) {
      add(range.firstPage() * PageSize.BYTES, (range.firstPage() + range.count()) * PageSize.BYTES);
    }
  }

  /** How many pages. */
  long count() {
    return ranges.stream().mapToLong(Range::count).sum();
  }

  /** The first pages, at most so many. */
  PageRanges first(long atMost) {
    PageRanges first = new PageRanges();
    long room = atMost;
    for (Range range : ranges) {
      long count = Math.min(room, range.count());
      if (count > 0) {
        first.ranges.add(new Range(range.firstPage(), count));
        room -= count;
      }
    }
    return first;
  }

  List<Range> toList() {
    return ranges;
  }
}
