package io.longshore.source.tracking;

import org.jspecify.annotations.Nullable;

/**
 * What was last read of the pages of one process, as hashes. Thread-safe: reading goes on while a
 * scan compares.
 */
final class ComparedPages {
  private PageHashes current = new PageHashes();
  private @Nullable PageHashes next;

  /** Begins a scan: pages that it does not come across are forgotten. */
  synchronized void begin() {
    next = new PageHashes();
  }

  /** Whether a page holds what was last read of it; pages come in ascending order. */
  synchronized boolean isAsRead(long page, long found) {
    boolean same = current.contains(page, found);
    exists(page);
    if (same && next != null) {
      next.put(page, found);
    }
    return same;
  }

  /** Comes across a page whose content is not known. */
  synchronized void exists(long page) {
    if (next == null) {
      throw new IllegalStateException("no scan has begun");
    }
    next.add(page);
  }

  /** Ends a scan. */
  synchronized void end() {
    if (next != null) {
      current = next;
      next = null;
    }
  }

  /** Whether the last scan, or one under way, came across a page. */
  synchronized boolean has(long page) {
    return current.has(page) || (next != null && next.has(page));
  }

  /** Visits all pages of which it is known what was last read. */
  synchronized void forEachRead(PageHashes.Visitor visitor) {
    current.forEachKnown(visitor);
  }

  /** Notes what was read of a page; of pages that no scan came across nothing is kept. */
  synchronized void read(long page, long hash) {
    current.put(page, hash);
    if (next != null) {
      next.put(page, hash);
    }
  }
}
