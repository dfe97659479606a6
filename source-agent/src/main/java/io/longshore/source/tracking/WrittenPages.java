package io.longshore.source.tracking;

import java.util.List;

/**
 * Pages of one process.
 *
 * @param pid of the process as this agent sees it
 * @param ranges ascending, neither overlapping nor adjacent
 */
public record WrittenPages(int pid, List<Range> ranges) {
  /**
   * Adjacent pages.
   *
   * @param firstPage address / 4096
   * @param count how many, at least 1
   */
  public record Range(long firstPage, long count) {
    public Range {
      if (firstPage < 0 || count < 1) {
        throw new IllegalArgumentException("no range of pages: " + firstPage + " + " + count);
      }
    }
  }

  public WrittenPages {
    ranges = List.copyOf(ranges);
    for (int i = 1; i < ranges.size(); i++) {
      Range before = ranges.get(i - 1);
      if (before.firstPage() + before.count() >= ranges.get(i).firstPage()) {
        throw new IllegalArgumentException(
            "ranges of process %d are not in order: %s, %s".formatted(pid, before, ranges.get(i)));
      }
    }
  }

  /** How many pages in all. */
  public long pages() {
    return ranges.stream().mapToLong(Range::count).sum();
  }
}
