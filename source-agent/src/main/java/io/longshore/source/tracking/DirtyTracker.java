package io.longshore.source.tracking;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.List;

/**
 * Knows which pages of running processes may have been written since it last looked. Not
 * thread-safe.
 *
 * <p>It names too many pages rather than too few. Which pages are gone it does not say: at the end,
 * what exists is in the page maps of the dump.
 */
public interface DirtyTracker extends AutoCloseable {
  /** As in plans and traces: {@code userfaultfd}, {@code soft-dirty}, {@code content-hash}. */
  String name();

  /**
   * Looks at processes: for each, which pages of its private anonymous memory exist (in memory or
   * in swap) and may have been written since the last scan; at the first scan of a process, or of a
   * mapping, all that exist.
   *
   * <p>A page written after this look is in the next scan: what is read of a page after this
   * returned is stale only if a later scan names it. So it is read after the scan that names it,
   * not before. Some pages cannot be read, because they are not readable or gone by then.
   *
   * @param pids processes as this agent sees them; running, stopped, or in the hands of CRIU and
   *     frozen. Of what cannot be tracked (yet) everything counts as written
   * @return one for each process that is there; one that was missed because it was just changing
   *     its memory for another (execve) is there entirely in the next scan
   */
  List<WrittenPages> scan(Collection<Integer> pids) throws IOException;

  /**
   * Tells what was read of pages that a scan named, and will be sent. A tracker that compares
   * contents has nothing else to compare with: what it saw itself may have changed before that read
   * and back again after it. It names a page in each scan until it is told. To others this is
   * nothing.
   *
   * <p>Any thread may call it, also during a scan; for one page in the order in which it is read.
   *
   * @param content whole pages from the first on, off-heap; not needed after this returns
   */
  default void noteRead(int pid, long firstPage, MemorySegment content) {}

  /** Whether {@link #noteRead} must be called. */
  default boolean needsToKnowWhatWasRead() {
    return false;
  }

  /** Stops tracking; the workload is as it was before. Idempotent. */
  @Override
  void close();
}
