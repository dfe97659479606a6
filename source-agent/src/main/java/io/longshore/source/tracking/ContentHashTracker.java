package io.longshore.source.tracking;

import io.longshore.linux.OwnPages;
import io.longshore.linux.PageSize;
import io.longshore.linux.ProcessMemoryReader;
import io.longshore.source.tracking.WrittenPages.Range;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Reads every page in every scan and compares it with a hash of what was last read of it to be
 * sent. Needs nothing of the kernel and never stops a process.
 *
 * <p>What counts is content, so a page is not named that was written and holds what was sent.
 */
final class ContentHashTracker implements DirtyTracker {
  static final String NAME = "content-hash";
  private static final int BLOCK_PAGES = 256;

  private final Map<Integer, ComparedPages> processes = new ConcurrentHashMap<>();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment block =
      arena.allocate((long) BLOCK_PAGES * PageSize.BYTES, PageSize.BYTES);
  private final ProcessMemoryReader reader = new ProcessMemoryReader();

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<WrittenPages> scan(Collection<Integer> pids) throws IOException {
    List<WrittenPages> written = new ArrayList<>();
    for (int pid : pids) {
      try {
        look(pid).ifPresent(pages -> written.add(new WrittenPages(pid, pages.toList())));
      } catch (IOException e) {
        processes.remove(pid);
        Ended.orThrow(pid, e);
      }
    }
    processes.keySet().retainAll(new HashSet<>(pids));
    return written;
  }

  private Optional<PageRanges> look(int pid) throws IOException {
    List<PrivateMemory> memory = PrivateMemory.of(pid);
    if (memory.isEmpty()) {
      processes.remove(pid);
      return Optional.empty();
    }
    PageRanges existing = new PageRanges();
    try (OwnPages pages = OwnPages.of(pid)) {
      for (PrivateMemory range : memory) {
        pages.find(range.start(), range.end(), existing::add);
      }
    }
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
    return Optional.of(written);
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

  private static long hash(MemorySegment pages, long offset) {
    return PageHash.of(pages.asSlice(offset, PageSize.BYTES));
  }

  @Override
  public void noteRead(int pid, long firstPage, MemorySegment content) {
    ComparedPages known = processes.get(pid);
    if (known != null) {
      for (long offset = 0; offset < content.byteSize(); offset += PageSize.BYTES) {
        known.read(firstPage + offset / PageSize.BYTES, hash(content, offset));
      }
    }
  }

  @Override
  public boolean needsToKnowWhatWasRead() {
    return true;
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
