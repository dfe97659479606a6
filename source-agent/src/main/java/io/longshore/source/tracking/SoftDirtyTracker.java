package io.longshore.source.tracking;

import io.longshore.linux.DirectTransfers;
import io.longshore.linux.Holder;
import io.longshore.linux.PageMapEntries;
import io.longshore.linux.PageSize;
import io.longshore.linux.SoftDirty;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel notes writes in its page tables, with a bit of each page; Linux before 6.7, built with
 * {@code CONFIG_MEM_SOFT_DIRTY}.
 *
 * <p>Reading these bits and clearing them are two steps, and a write between them would be lost. So
 * all processes are held for both, longer the more memory they have, and all are read before the
 * first is cleared: one writes into the other's memory, or has the same. What cannot be held is not
 * cleared, which names too much later on and loses nothing. So it is in the freeze, when CRIU holds
 * them.
 *
 * <p>The bits alone do not do. A child has those of its parent; a range that mremap(2) moves by
 * whole page tables, or that is dropped and read again, has them clear (Linux 6.1). So it is noted
 * as well where the content of each page is, its frame: a page that is elsewhere than it was counts
 * as written. What is in the same frame and was not written is the same, whatever the process did.
 *
 * <p>As with {@link UserfaultfdTracker} everything counts as written of a process into whose memory
 * devices may write. Of processes that were not named to {@link #scan} it is not seen what they
 * write into the memory of those that were (process_vm_writev(2)) while these are held.
 */
final class SoftDirtyTracker implements DirtyTracker {
  static final String NAME = "soft-dirty";
  private static final Logger log = LoggerFactory.getLogger(SoftDirtyTracker.class);
  private static final Duration STOP_LIMIT = Duration.ofMillis(100);
  private static final Duration HOLD_LIMIT = Duration.ofSeconds(5);

  /** 64 GiB: an entry is read of each page that a process might have, which takes its time. */
  private static final long MOST_PAGES = 1 << 24;

  private final Holder holder;

  /** As of the last scan. */
  private final Map<Integer, PagePlaces> processes = new HashMap<>();

  private final Set<Integer> direct = new HashSet<>();

  private SoftDirtyTracker(Holder holder) {
    this.holder = holder;
  }

  /**
   * Looks at nothing yet.
   *
   * @param folder where programs can be run; nothing stays in it
   */
  static SoftDirtyTracker in(Path folder) throws IOException {
    return new SoftDirtyTracker(Holder.start(folder));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<WrittenPages> scan(Collection<Integer> pids) throws IOException {
    Map<Integer, PagePlaces> found = new HashMap<>();
    List<WrittenPages> written = new ArrayList<>();
    try {
      if (!readAndClear(pids, found)) {
        read(pids, found);
      }
      for (int pid : pids) {
        PagePlaces pages = found.get(pid);
        if (pages != null) {
          written.add(new WrittenPages(pid, written(pid, pages).toList()));
        }
      }
    } catch (IOException | RuntimeException e) {
      // What was cleared until here nobody will hear of.
      processes.clear();
      throw e;
    }
    processes.clear();
    processes.putAll(found);
    direct.retainAll(pids);
    return written;
  }

  /** Whether that was done. */
  private boolean readAndClear(Collection<Integer> pids, Map<Integer, PagePlaces> found)
      throws IOException {
    if (pids.isEmpty() || !isQuicklyRead(pids)) {
      return false;
    }
    if (processes.isEmpty()) {
      // For nothing: else they would stand still while this agent loads classes.
      read(pids, new HashMap<>());
    }
    Holder.Outcome outcome =
        holder.whileHeld(
            pids,
            STOP_LIMIT,
            HOLD_LIMIT,
            () -> {
              read(pids, found);
              for (int pid : found.keySet()) {
                clear(pid);
              }
            });
    return switch (outcome) {
      case HELD -> true;
      case LET_GO -> {
        log.warn("All memory of processes {} counts as written: they could not be held on", pids);
        processes.clear();
        yield true;
      }
      case REFUSED -> false;
    };
  }

  private static boolean isQuicklyRead(Collection<Integer> pids) throws IOException {
    long pages = 0;
    for (int pid : pids) {
      try {
        for (PrivateMemory range : PrivateMemory.of(pid)) {
          pages += (range.end() - range.start()) / PageSize.BYTES;
        }
      } catch (IOException e) {
        Ended.orThrow(pid, e);
      }
    }
    return pages <= MOST_PAGES;
  }

  private static void clear(int pid) throws IOException {
    try {
      SoftDirty.clear(pid);
    } catch (IOException e) {
      Ended.orThrow(pid, e);
    }
  }

  /** Leaves out those that have ended, zombies, and those that are just changing their memory. */
  private static void read(Collection<Integer> pids, Map<Integer, PagePlaces> found)
      throws IOException {
    for (int pid : pids) {
      try {
        List<PrivateMemory> memory = PrivateMemory.of(pid);
        if (!memory.isEmpty()) {
          found.put(pid, read(pid, memory));
        }
      } catch (IOException e) {
        Ended.orThrow(pid, e);
      }
    }
  }

  private static PagePlaces read(int pid, List<PrivateMemory> memory) throws IOException {
    PagePlaces pages = new PagePlaces();
    try (PageMapEntries entries = PageMapEntries.open(pid)) {
      for (PrivateMemory range : memory) {
        entries.forEach(range.start(), range.end(), pages::add);
      }
    }
    return pages;
  }

  private PageRanges written(int pid, PagePlaces pages) throws IOException {
    try {
      if (!direct.contains(pid) && DirectTransfers.isPossibleFor(pid)) {
        log.info(
            "All memory of process {} counts as written: it has files open with O_DIRECT", pid);
        direct.add(pid);
      }
    } catch (IOException e) {
      Ended.orThrow(pid, e);
    }
    PagePlaces before = processes.get(pid);
    return before == null || direct.contains(pid) ? pages.all() : pages.changedSince(before);
  }

  @Override
  public void close() {
    processes.clear();
    holder.close();
  }
}
