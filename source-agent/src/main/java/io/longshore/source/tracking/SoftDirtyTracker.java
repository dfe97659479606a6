package io.longshore.source.tracking;

import io.longshore.linux.HeldProcess;
import io.longshore.linux.PageMapEntries;
import io.longshore.linux.SoftDirty;
import io.longshore.linux.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The kernel notes writes with the soft-dirty bits of the page tables;
 * Documentation/admin-guide/mm/soft-dirty.rst. For kernels before Linux 6.7 that were built with
 * {@code CONFIG_MEM_SOFT_DIRTY}.
 *
 * <p>Reading the bits and clearing them are two steps, so all threads of a process are stopped for
 * both, some milliseconds per GiB. Where they cannot be, because CRIU has them or the process is
 * frozen, the bits are read and not cleared: then the next scan names the same pages again.
 */
final class SoftDirtyTracker implements DirtyTracker {
  private static final Duration STOP_LIMIT = Duration.ofMillis(100);

  /** Start time of each process whose bits were cleared, which with the pid names it for good. */
  private final Map<Integer, Long> cleared = new HashMap<>();

  static boolean isSupported() throws IOException {
    return SoftDirty.isSupported();
  }

  @Override
  public String name() {
    return "soft-dirty";
  }

  @Override
  public List<WrittenPages> scan(Collection<Integer> pids) throws IOException {
    List<WrittenPages> written = new ArrayList<>();
    try {
      for (int pid : pids) {
        look(pid).ifPresent(pages -> written.add(new WrittenPages(pid, pages.toList())));
      }
    } catch (IOException | RuntimeException e) {
      // What was cleared until here nobody will hear of.
      close();
      throw e;
    }
    cleared.keySet().retainAll(new HashSet<>(pids));
    return written;
  }

  private Optional<PageRanges> look(int pid) throws IOException {
    try {
      long startTime = Task.read(pid).startTime();
      PageRanges written = new PageRanges();
      boolean held =
          HeldProcess.whileStopped(
              pid,
              STOP_LIMIT,
              () -> {
                read(pid, startTime, written);
                SoftDirty.clear(pid);
              });
      if (held) {
        cleared.put(pid, startTime);
      } else {
        read(pid, startTime, written);
      }
      return Optional.of(written);
    } catch (IOException e) {
      cleared.remove(pid);
      Ended.orThrow(pid, e);
      return Optional.empty();
    }
  }

  private void read(int pid, long startTime, PageRanges written) throws IOException {
    boolean all = !Long.valueOf(startTime).equals(cleared.get(pid));
    try (PageMapEntries entries = PageMapEntries.open(pid)) {
      for (PrivateMemory range : PrivateMemory.of(pid)) {
        entries.find(range.start(), range.end(), all ? 0 : PageMapEntries.SOFT_DIRTY, written::add);
      }
    }
  }

  @Override
  public void close() {
    cleared.clear();
  }
}
