package io.longshore.source.tracking;

import io.longshore.linux.PageSize;
import io.longshore.linux.ProcessMemoryReader;
import io.longshore.source.tracking.WrittenPages.Range;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Finds pages of running processes that do not hold what was last read of them to be sent, by
 * reading them. {@link #noteRead} by any thread, the others by one at a time.
 */
final class ContentComparison implements AutoCloseable {
  private static final int BLOCK_PAGES = 256;

  private final Map<Integer, ComparedPages> processes = new ConcurrentHashMap<>();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment block =
      arena.allocate((long) BLOCK_PAGES * PageSize.BYTES, PageSize.BYTES);
  private final ProcessMemoryReader reader = new ProcessMemoryReader();

  /**
   * Compares.
   *
   * @param existing pages that the process has; those of earlier calls that are not among them are
   *     forgotten
   * @return those of them that hold something else, or of which nothing was read
   */
  PageRanges changed(int pid, PageRanges existing) throws IOException {
    ComparedPages known = processes.computeIfAbsent(pid, unknown -> new ComparedPages());
    PageRanges written = new PageRanges();
    known.begin();
    for (Range range : existing.toList()) {
      long end = range.firstPage() + range.count();
      for (long page = range.firstPage(); page < end; page += BLOCK_PAGES) {
        compare(pid, page, (int) Math.min(BLOCK_PAGES, end - page), known, written);
      }
    }
    known.end();
    return written;
  }

  private void compare(int pid, long firstPage, int count, ComparedPages known, PageRanges written)
      throws IOException {
    long bytes = (long) count * PageSize.BYTES;
    long read = reader.read(pid, firstPage * PageSize.BYTES, block.asSlice(0, bytes));
    for (int i = 0; i < count; i++) {
      long page = firstPage + i;
      long offset = (long) i * PageSize.BYTES;
      boolean same;
      if (offset + PageSize.BYTES <= read) {
        same = known.isAsRead(page, hash(block, offset));
      } else {
        // Not readable, or gone by now. What comes behind it in this block is not looked at.
        known.exists(page);
        same = false;
      }
      if (!same) {
        written.add(page * PageSize.BYTES, (page + 1) * PageSize.BYTES);
      }
    }
  }

  /**
   * What was read of pages, to be sent. Of pages that {@link #changed} was not told of nothing is
   * kept.
   */
  void noteRead(int pid, long firstPage, MemorySegment content) {
    ComparedPages known = processes.get(pid);
    if (known == null) {
      return;
    }
    for (long offset = 0; offset < content.byteSize(); offset += PageSize.BYTES) {
      long page = firstPage + offset / PageSize.BYTES;
      if (known.has(page)) {
        known.read(page, hash(content, offset));
      }
    }
  }

  /** Visits all pages of which it is known what was last read. */
  void forEachRead(ImagePages.Visitor visitor) {
    processes.forEach(
        (pid, pages) -> pages.forEachRead((page, hash) -> visitor.visit(pid, page, hash)));
  }

  void forget(int pid) {
    processes.remove(pid);
  }

  void retain(Collection<Integer> pids) {
    processes.keySet().retainAll(new HashSet<>(pids));
  }

  private static long hash(MemorySegment pages, long offset) {
    return PageHash.of(pages.asSlice(offset, PageSize.BYTES));
  }

  @Override
  public void close() {
    processes.clear();
    if (arena.scope().isAlive()) {
      reader.close();
      arena.close();
    }
  }
}
