package io.longshore.target.pages;

import io.longshore.linux.Errno;
import io.longshore.linux.PageSize;
import io.longshore.linux.Userfaultfd;
import io.longshore.linux.Userfaultfd.Event;
import io.longshore.target.pages.Placement.Place;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory of one living process: which of the announced pages it still lacks, where they belong,
 * and how they get there.
 *
 * <p>Several threads may fill it at once, under the read lock of the {@link ProcessPages} that it
 * is of. Events of the process are read and applied under the write lock: between reading that
 * pages are dropped and noting it nobody may fill any, or old content would come back.
 */
final class ProcessMemory {
  private static final Logger log = LoggerFactory.getLogger(ProcessMemory.class);

  /** At 50 microseconds each: far longer than a change takes from its lock to its event. */
  private static final int MOST_PLACELESS = 2000;

  private final int vpid;
  private final int number;
  private final Userfaultfd memory;
  private final Placement placement;
  private final PageBits missing;
  private final int pages;
  private final AtomicLong left;

  /** How often a page had no place. */
  private final ConcurrentHashMap<Integer, Integer> placeless = new ConcurrentHashMap<>();

  /**
   * @param number in the {@link MemoryLog}
   * @param pages how many were announced
   * @param left how many pages all memories lack together; kept up to date from here on
   */
  ProcessMemory(
      int vpid, int number, Userfaultfd memory, Placement placement, int pages, AtomicLong left) {
    this(vpid, number, memory, placement, new PageBits(pages), pages, left);
  }

  private ProcessMemory(
      int vpid,
      int number,
      Userfaultfd memory,
      Placement placement,
      PageBits missing,
      int pages,
      AtomicLong left) {
    this.vpid = vpid;
    this.number = number;
    this.memory = memory;
    this.placement = placement;
    this.missing = missing;
    this.pages = pages;
    this.left = left;
    left.addAndGet(missing.count());
  }

  /** Its number in the {@link MemoryLog}. */
  int number() {
    return number;
  }

  Userfaultfd memory() {
    return memory;
  }

  boolean lacks(int index) {
    return missing.get(index);
  }

  /** The number of the announced page at an address; -1 if there is none. */
  int indexAt(long address) {
    return placement.indexAt(address / PageSize.BYTES);
  }

  /** How many pages from this one on, at most so many, are lacked. */
  int lackedFrom(int index, int atMost) {
    return missing.nextClear(index, Math.min(pages, index + atMost)) - index;
  }

  /**
   * Fills pages as far as they are lacked.
   *
   * @param content of all of them, off-heap
   * @return false if the address space is being changed: again when its event was read
   */
  boolean install(int index, int count, MemorySegment content) {
    int end = index + count;
    int most = count;
    for (int at = missing.nextSet(index, end); at < end; at = missing.nextSet(at, end)) {
      Place place = placement.of(at);
      if (place == null) {
        filled(at, at + 1);
        continue;
      }
      int run = Math.min(Math.min(missing.nextClear(at, end), place.endIndex()) - at, most);
      long result =
          memory.copy(
              (place.page() + at - place.index()) * PageSize.BYTES,
              content.asSlice((long) (at - index) * PageSize.BYTES, (long) run * PageSize.BYTES));
      most = count;
      if (result > 0) {
        filled(at, at + (int) (result / PageSize.BYTES));
      } else if (result == -Errno.ENOENT && run > 1) {
        // The run goes beyond its mapping.
        most = run / 2;
      } else if (!settle(at, -(int) result)) {
        return false;
      }
    }
    return true;
  }

  /** Fills one page, whether it is lacked or not: somebody waits for it. As {@link #install}. */
  boolean answer(long address, MemorySegment content) {
    return answered(address, memory.copy(address, content));
  }

  /** Lets one page read as zero: somebody waits for it. As {@link #install}. */
  boolean answerZero(long address) {
    return answered(address, memory.zero(address, PageSize.BYTES));
  }

  /** As {@link #answerZero}, by the page's number. */
  boolean answerZero(int index) {
    Place place = placement.of(index);
    return place == null || answerZero((place.page() + index - place.index()) * PageSize.BYTES);
  }

  /** These pages are zero: the kernel makes them when they are touched. */
  void zero(int index, int count) {
    filled(index, index + count);
  }

  /** The pages of a range were dropped and read as zeros from now on. */
  private void removed(long start, long end) {
    forget(placement.within(start / PageSize.BYTES, end / PageSize.BYTES));
  }

  /** A range is gone. */
  private void unmapped(long start, long end) {
    forget(placement.remove(start / PageSize.BYTES, end / PageSize.BYTES));
  }

  /** Follows what happened to it; forks and faults are not for here. */
  void follow(Event event) {
    switch (event) {
      case Event.Remap(long from, long to, long length) -> moved(from, to, length);
      case Event.Remove(long start, long end) -> removed(start, end);
      case Event.Unmap(long start, long end) -> unmapped(start, end);
      case Event.Fault _, Event.Fork _ -> throw new IllegalArgumentException(event.toString());
    }
  }

  /** A range was moved. */
  private void moved(long from, long to, long length) {
    placement.move(from / PageSize.BYTES, to / PageSize.BYTES, length / PageSize.BYTES);
  }

  /** The memory of a child, which lacks what this one lacks. */
  ProcessMemory fork(int childNumber, Userfaultfd child) {
    return new ProcessMemory(
        vpid, childNumber, child, new Placement(placement), new PageBits(missing), pages, left);
  }

  private void forget(List<Place> places) {
    for (Place place : places) {
      filled(place.index(), place.endIndex());
    }
  }

  /** What to do about a page that could not be filled; false: try again later. */
  private boolean settle(int index, int errno) {
    switch (errno) {
      case Errno.EAGAIN -> {
        return false;
      }
      case Errno.ENOMEM -> {
        // Whoever waits for the page waits on; anything else would lose the workload.
        log.warn("The kernel has no memory for a page of process {}; trying again", vpid);
        return false;
      }
      case Errno.EEXIST -> filled(index, index + 1);
      case Errno.ESRCH -> filled(0, pages);
      case Errno.ENOENT -> {
        // The kernel looks for the place before it looks whether places are being changed, so this
        // is also what a change under way looks like; its event tells where the page belongs then.
        if (placeless.merge(index, 1, Integer::sum) < MOST_PLACELESS) {
          return false;
        }
        log.warn("Process {} has no place for page number {} any more", vpid, index);
        filled(index, index + 1);
      }
      default ->
          throw new IllegalStateException(
              "a page of process %d cannot be filled: %s".formatted(vpid, Errno.describe(errno)));
    }
    return true;
  }

  private boolean answered(long address, long result) {
    if (result < 0 && !settleAnswer((int) -result)) {
      return false;
    }
    int index = indexAt(address);
    // Without a place the page is still lacked: who waits looks again, and waits anew if need be.
    if (index >= 0 && result != -Errno.ENOENT) {
      filled(index, index + 1);
    }
    // Who waits for a page that was there already was not woken by the call.
    memory.wake(address, PageSize.BYTES);
    return true;
  }

  private boolean settleAnswer(int errno) {
    switch (errno) {
      case Errno.EAGAIN, Errno.ENOMEM -> {
        return false;
      }
      case Errno.EEXIST, Errno.ENOENT -> {}
      case Errno.ESRCH -> filled(0, pages);
      default ->
          throw new IllegalStateException(
              "process %d cannot be given a page: %s".formatted(vpid, Errno.describe(errno)));
    }
    return true;
  }

  private void filled(int from, int end) {
    int cleared = missing.clear(from, end);
    if (cleared > 0) {
      left.addAndGet(-cleared);
    }
  }
}
