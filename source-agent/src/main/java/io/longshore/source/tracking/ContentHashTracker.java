package io.longshore.source.tracking;

import io.longshore.linux.OwnPages;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Reads every page in every scan and compares it with a hash of what was last read of it to be
 * sent. Needs nothing of the kernel and never stops a process.
 *
 * <p>What counts is content, so a page is not named that was written and holds what was sent.
 */
final class ContentHashTracker implements DirtyTracker {
  static final String NAME = "content-hash";

  private final ContentComparison contents = new ContentComparison();

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
        contents.forget(pid);
        Ended.orThrow(pid, e);
      }
    }
    contents.retain(pids);
    return written;
  }

  private Optional<PageRanges> look(int pid) throws IOException {
    List<PrivateMemory> memory = PrivateMemory.of(pid);
    if (memory.isEmpty()) {
      contents.forget(pid);
      return Optional.empty();
    }
    PageRanges existing = new PageRanges();
    try (OwnPages pages = OwnPages.of(pid)) {
      for (PrivateMemory range : memory) {
        pages.find(range.start(), range.end(), existing::add);
      }
    }
    return Optional.of(contents.changed(pid, existing));
  }

  @Override
  public void noteRead(int pid, long firstPage, MemorySegment content) {
    contents.noteRead(pid, firstPage, content);
  }

  @Override
  public boolean needsToKnowWhatWasRead() {
    return true;
  }

  @Override
  public void close() {
    contents.close();
  }
}
