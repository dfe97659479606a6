package io.longshore.source.tracking;

import io.longshore.linux.Mapping;
import io.longshore.linux.Mappings;
import io.longshore.linux.PageMapScan;
import io.longshore.linux.PageQuery;
import io.longshore.linux.PageSize;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Pages that a dump puts into its images, as they are while the processes run: shared memory, once
 * for all that share it, and own pages of private mappings of files. Which of them were written it
 * tells by their content. It need not know of all: what the target was not given before comes with
 * the images; so does what is beyond the first 4 GiB.
 *
 * <p>{@link #noteRead} by any thread, the others by one at a time.
 */
public final class ImagePages implements AutoCloseable {
  /** 4 GiB: what is known of more would take too much of this agent's own memory. */
  private static final long MOST_PAGES = 1 << 20;

  private final ContentComparison contents = new ContentComparison();
  private final boolean supported;

  private ImagePages(boolean supported) {
    this.supported = supported;
  }

  /** On a kernel that cannot scan page maps it never finds a page. */
  public static ImagePages forThisKernel() throws IOException {
    return new ImagePages(PageMapScan.isSupported());
  }

  /** Never finds a page. */
  public static ImagePages none() {
    return new ImagePages(false);
  }

  /**
   * Looks at processes.
   *
   * @return pages that do not hold what was last read of them
   */
  public List<WrittenPages> scan(Collection<Integer> pids) throws IOException {
    List<WrittenPages> written = new ArrayList<>();
    if (!supported) {
      return written;
    }
    Map<String, BitSet> shared = new HashMap<>();
    long room = MOST_PAGES;
    // The same order each time, so that what is shared stays with the process that it was sent of.
    for (int pid : pids.stream().sorted().toList()) {
      try {
        PageRanges existing = find(pid, shared).first(room);
        room -= existing.count();
        PageRanges changed = contents.changed(pid, existing);
        if (!changed.toList().isEmpty()) {
          written.add(new WrittenPages(pid, changed.toList()));
        }
      } catch (IOException e) {
        contents.forget(pid);
        Ended.orThrow(pid, e);
      }
    }
    contents.retain(pids);
    return written;
  }

  /** What was read of pages, to be sent; of others than these nothing is kept. */
  public void noteRead(int pid, long firstPage, MemorySegment content) {
    contents.noteRead(pid, firstPage, content);
  }

  /** Visits all pages of which it is known what was last read, with the {@link PageHash}. */
  public void forEachRead(Visitor visitor) {
    contents.forEachRead(visitor);
  }

  /** Takes a page whose content is known. */
  public interface Visitor {
    /** One page: its number, and the hash of what was read. */
    void visit(int pid, long page, long hash);
  }

  /**
   * @param shared pages of each shared object that a process before this one has
   */
  private static PageRanges find(int pid, Map<String, BitSet> shared) throws IOException {
    PageRanges found = new PageRanges();
    long reached = 0;
    try (PageMapScan scan = PageMapScan.open(pid)) {
      for (Mapping mapping : Mappings.read(pid)) {
        // One that changes while the list is written may be there twice.
        if (mapping.start() < reached || !mapping.readable()) {
          continue;
        }
        switch (mapping.kind()) {
          case FILE_PRIVATE -> {
            long _ =
                scan.scan(
                    mapping.start(),
                    mapping.end(),
                    PageQuery.OWN_CONTENT,
                    (start, end, categories) -> found.add(start, end));
            reached = mapping.end();
          }
          case SHARED_MEMORY -> {
            BitSet known =
                shared.computeIfAbsent(
                    mapping.device() + " " + mapping.inode(), object -> new BitSet());
            long _ =
                scan.scan(
                    mapping.start(),
                    mapping.end(),
                    PageQuery.POPULATED,
                    (start, end, categories) -> addNew(mapping, start, end, known, found));
            reached = mapping.end();
          }
          case ANONYMOUS, FILE_SHARED, KERNEL -> {}
        }
      }
    }
    return found;
  }

  private static void addNew(
      Mapping mapping, long start, long end, BitSet known, PageRanges found) {
    for (long address = start; address < end; address += PageSize.BYTES) {
      int page = (int) ((mapping.offset() + address - mapping.start()) / PageSize.BYTES);
      if (page >= 0 && !known.get(page)) {
        known.set(page);
        found.add(address, address + PageSize.BYTES);
      }
    }
  }

  @Override
  public void close() {
    contents.close();
  }
}
