package io.longshore.target.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.Userfaultfd;
import io.longshore.target.pages.PageMemory.Slots;
import io.longshore.target.pages.Placement.Place;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The announced pages of one dumped process and what they are for: its memory here, and that of the
 * children it forked before it had them all.
 *
 * <p>Pages that come before the memory is open are kept. From {@link #open} on they go straight
 * into every memory that lacks them, and nothing is kept. The announced pages are numbered from 0
 * in ascending order of their addresses in the dump. Thread-safe.
 */
final class ProcessPages {
  private static final int STALE = RoundPages.ABSENT;
  private static final int ZERO = RoundPages.ZERO;

  /** What is kept is filled in by so many: meanwhile a thread that waits for a page waits on. */
  private static final int PIECE_PAGES = 32;

  /** The kernel is busy with the address space for microseconds, rarely for longer. */
  private static final long BUSY_NANOS = 50_000;

  private final int vpid;
  private final PageMemory kept;
  private final AtomicLong left;
  private final long[] starts;
  private final int[] firstIndices;
  private final int total;

  /** Read by who fills memories, written by who changes what they are. */
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

  @GuardedBy("lock")
  private final List<ProcessMemory> memories = new ArrayList<>();

  @GuardedBy("lock")
  private boolean open;

  /** Where each page is kept, until the memory is open. */
  @GuardedBy("slots")
  private final int[] slots;

  /** Pages that somebody waits for and that were demanded. */
  private final ConcurrentSkipListMap<Integer, Demanded> demanded = new ConcurrentSkipListMap<>();

  private final FaultWaits waits;

  private final PageBits stale;

  /**
   * When, by nanoTime.
   *
   * @param byThread whether a thread of the process waits, rather than who restores it
   */
  private record Demanded(long first, long last, boolean byThread) {}

  /**
   * Ranges must ascend and not overlap.
   *
   * @param left how many pages all memories lack together; kept up to date
   * @param waits counts how long threads waited for demanded pages
   */
  ProcessPages(
      int vpid, List<PageRange> ranges, PageMemory kept, AtomicLong left, FaultWaits waits) {
    this.vpid = vpid;
    this.kept = kept;
    this.left = left;
    this.waits = waits;
    this.starts = new long[ranges.size()];
    this.firstIndices = new int[ranges.size() + 1];
    long end = 0;
    for (int i = 0; i < starts.length; i++) {
      PageRange range = ranges.get(i);
      if (range.firstPage() < end) {
        throw new IllegalArgumentException("ranges of process " + vpid + " overlap at " + range);
      }
      end = range.endPage();
      starts[i] = range.firstPage();
      firstIndices[i + 1] = Math.addExact(firstIndices[i], range.count());
    }
    this.total = firstIndices[starts.length];
    this.slots = new int[total];
    Arrays.fill(slots, STALE);
    this.stale = new PageBits(total);
  }

  /** The process id in its own namespace. */
  int vpid() {
    return vpid;
  }

  /**
   * The number of a page.
   *
   * @throws PageNotAnnouncedException if it or one of {@code count} pages from it on was not
   *     announced, or they are not adjacent in one range
   */
  int index(long firstPage, int count) {
    int at = Arrays.binarySearch(starts, firstPage);
    int range = at >= 0 ? at : -at - 2;
    if (range < 0 || count < 1) {
      throw new PageNotAnnouncedException(vpid, firstPage, count);
    }
    long offset = firstPage - starts[range];
    if (offset + count > firstIndices[range + 1] - firstIndices[range]) {
      throw new PageNotAnnouncedException(vpid, firstPage, count);
    }
    return firstIndices[range] + (int) offset;
  }

  /** The address / 4096, in the dump, of the page with a number. */
  long page(int index) {
    int at = Arrays.binarySearch(firstIndices, 0, starts.length, index);
    int range = at >= 0 ? at : -at - 2;
    return starts[range] + index - firstIndices[range];
  }

  /** How many pages from this one on, at most so many, are adjacent in the dump. */
  int adjacentFrom(int index, int atMost) {
    int at = Arrays.binarySearch(firstIndices, 0, starts.length, index);
    int range = at >= 0 ? at : -at - 2;
    return Math.min(atMost, firstIndices[range + 1] - index);
  }

  /**
   * Takes pages in. A page that came before is no harm.
   *
   * @param content of all of them; off-heap, and valid only during the call
   * @throws PageStoreFullException if no more may be kept; none were taken then
   */
  void store(int index, int count, MemorySegment content) {
    if (keep(index, count, content)) {
      giveKept(index, count);
    } else {
      install(index, count, content);
    }
    stale.clear(index, index + count);
  }

  /** Takes pages in that are all zero. */
  void storeZero(int index, int count) {
    if (keepZero(index, count)) {
      giveKept(index, count);
    } else {
      installZero(index, count);
    }
    stale.clear(index, index + count);
  }

  /** Pages that never came. */
  int stalePages() {
    return stale.count();
  }

  /**
   * The process's own memory has come: its faults can be answered, its ranges come later.
   *
   * @param number in the {@link MemoryLog}
   */
  ProcessMemory attach(int number, Userfaultfd memory) {
    Placement placement = new Placement();
    for (int i = 0; i < starts.length; i++) {
      placement.add(new Place(firstIndices[i], starts[i], firstIndices[i + 1] - firstIndices[i]));
    }
    ProcessMemory attached = new ProcessMemory(vpid, number, memory, placement, total, left);
    lock.writeLock().lock();
    try {
      memories.add(attached);
    } finally {
      lock.writeLock().unlock();
    }
    return attached;
  }

  /** Takes over what came in rounds. Before anything else is stored or attached. */
  void takeOver(RoundPages rounds) {
    synchronized (slots) {
      for (int i = 0; i < starts.length; i++) {
        PageRange range = new PageRange(starts[i], firstIndices[i + 1] - firstIndices[i]);
        rounds.take(vpid, range, slots, firstIndices[i]);
      }
      for (int from = 0; from < total; ) {
        int end = from + 1;
        boolean here = slots[from] != STALE;
        while (end < total && slots[end] != STALE == here) {
          end++;
        }
        if (here) {
          stale.clear(from, end);
        }
        from = end;
      }
    }
  }

  /** Whether no page was announced. */
  boolean isEmpty() {
    return total == 0;
  }

  /** Whether a memory has come, or none is needed. */
  boolean isAttached() {
    lock.readLock().lock();
    try {
      return total == 0 || !memories.isEmpty();
    } finally {
      lock.readLock().unlock();
    }
  }

  /** All ranges can be filled now: from here on pages go straight in. */
  void open() {
    lock.writeLock().lock();
    try {
      open = true;
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** Fills in what was kept, and keeps nothing any more. After {@link #open}. */
  void installKept() {
    kept.freeLoose();
    for (int at = 0; at < total; ) {
      int slot;
      int end = at + 1;
      synchronized (slots) {
        slot = slots[at];
        int most = slot == ZERO ? total : Math.min(total, at + PIECE_PAGES);
        while (end < most && follows(slots[end], slot, end - at)) {
          end++;
        }
      }
      if (slot == ZERO) {
        installZero(at, end - at);
      } else if (slot >= 0) {
        install(at, end - at, kept.segment(slot, end - at));
        release(at, end - at, slot);
      }
      at = end;
    }
  }

  /** The lock that events are read and applied under. */
  ReentrantReadWriteLock.WriteLock eventLock() {
    return lock.writeLock();
  }

  /** The memories there are. Call with the event lock. */
  List<ProcessMemory> memories() {
    return List.copyOf(memories);
  }

  /** A memory forked. Call with the event lock. */
  ProcessMemory fork(ProcessMemory parent, int childNumber, Userfaultfd child) {
    ProcessMemory memory = parent.fork(childNumber, child);
    memories.add(memory);
    return memory;
  }

  /**
   * Answers a thread that waits for the page of an address. Call with the event lock.
   *
   * @return false if it must be tried again
   */
  Answer answer(ProcessMemory memory, long address, long now) {
    int index = memory.indexAt(address);
    if (index < 0 || !memory.lacks(index)) {
      return Answer.of(memory.answerZero(address));
    }
    int slot;
    synchronized (slots) {
      slot = slots[index];
    }
    if (slot == ZERO) {
      return Answer.of(memory.answerZero(address));
    }
    if (slot >= 0) {
      return Answer.of(memory.answer(address, kept.segment(slot, 1)));
    }
    return demanded.putIfAbsent(index, new Demanded(now, now, true)) == null
        ? Answer.DEMAND
        : Answer.DONE;
  }

  /**
   * Those of these pages that some memory lacks, and that are not kept here either; they count as
   * demanded. After {@link #open}.
   */
  List<Integer> toDemandWithin(long firstPage, long endPage, long now) {
    List<Integer> found = new ArrayList<>();
    for (int index : lackedWithin(firstPage, endPage)) {
      boolean here;
      synchronized (slots) {
        here = slots[index] != STALE;
      }
      if (!here && demanded.putIfAbsent(index, new Demanded(now, now, false)) == null) {
        found.add(index);
      }
    }
    return found;
  }

  /** Those of these pages that some memory lacks. */
  List<Integer> lackedWithin(long firstPage, long endPage) {
    List<Integer> found = new ArrayList<>();
    lock.readLock().lock();
    try {
      for (int range = 0; range < starts.length; range++) {
        int count = firstIndices[range + 1] - firstIndices[range];
        long from = Math.max(firstPage, starts[range]);
        long end = Math.min(endPage, starts[range] + count);
        for (long page = from; page < end; page++) {
          int index = firstIndices[range] + (int) (page - starts[range]);
          if (memories.stream().anyMatch(memory -> memory.lacks(index))) {
            found.add(index);
          }
        }
      }
    } finally {
      lock.readLock().unlock();
    }
    return found;
  }

  /** How a fault was answered. */
  enum Answer {
    /** It was, or will be by the page that was demanded before. */
    DONE,
    /** The address space is being changed: to be tried again. */
    AGAIN,
    /** The page must be demanded. */
    DEMAND;

    static Answer of(boolean done) {
      return done ? DONE : AGAIN;
    }
  }

  /** Pages demanded before a time that have not come; they count as demanded at {@code now}. */
  List<Integer> overdue(long before, long now) {
    List<Integer> found = new ArrayList<>();
    demanded.forEach(
        (index, since) -> {
          Demanded again = new Demanded(since.first(), now, since.byThread());
          if (since.last() - before < 0 && demanded.replace(index, since, again)) {
            found.add(index);
          }
        });
    return found;
  }

  private boolean keep(int index, int count, MemorySegment content) {
    lock.readLock().lock();
    try {
      if (open) {
        return false;
      }
      List<Slots> runs = allocate(count);
      long at = 0;
      int into = index;
      for (Slots run : runs) {
        MemorySegment room = kept.segment(run.first(), run.count());
        room.copyFrom(content.asSlice(at, room.byteSize()));
        at += room.byteSize();
        for (int i = 0; i < run.count(); i++) {
          put(into++, run.first() + i);
        }
      }
      return true;
    } finally {
      lock.readLock().unlock();
    }
  }

  private boolean keepZero(int index, int count) {
    lock.readLock().lock();
    try {
      for (int i = 0; !open && i < count; i++) {
        put(index + i, ZERO);
      }
      return !open;
    } finally {
      lock.readLock().unlock();
    }
  }

  private List<Slots> allocate(int count) {
    List<Slots> runs = new ArrayList<>(2);
    try {
      for (int more = count; more > 0; ) {
        Slots run = kept.allocate(more);
        runs.add(run);
        more -= run.count();
      }
      return runs;
    } catch (RuntimeException e) {
      runs.forEach(run -> kept.free(run.first(), run.count()));
      throw e;
    }
  }

  private void put(int index, int slot) {
    int old;
    synchronized (slots) {
      old = slots[index];
      slots[index] = slot;
    }
    if (old >= 0) {
      kept.free(old, 1);
    }
  }

  private void release(int index, int count, int slot) {
    synchronized (slots) {
      Arrays.fill(slots, index, index + count, STALE);
    }
    kept.free(slot, count);
  }

  /**
   * Gives pages that are kept to who waits for them: CRIU itself touches some while it restores.
   */
  private void giveKept(int index, int count) {
    for (int waited : demanded.subMap(index, index + count).keySet()) {
      while (!tryToGive(waited)) {
        LockSupport.parkNanos(BUSY_NANOS);
      }
      forgetDemand(waited);
    }
  }

  private boolean tryToGive(int index) {
    lock.readLock().lock();
    try {
      boolean done = true;
      for (ProcessMemory memory : open ? List.<ProcessMemory>of() : memories) {
        int slot;
        synchronized (slots) {
          slot = slots[index];
        }
        done &=
            slot == ZERO
                ? memory.answerZero(index)
                : memory.install(index, 1, kept.segment(slot, 1));
      }
      return done;
    } finally {
      lock.readLock().unlock();
    }
  }

  private void install(int index, int count, MemorySegment content) {
    boolean done = false;
    while (!done) {
      lock.readLock().lock();
      try {
        done = true;
        for (ProcessMemory memory : memories) {
          done &= memory.install(index, count, content);
        }
      } finally {
        lock.readLock().unlock();
      }
      pauseUnless(done);
    }
    forgetDemands(index, count);
  }

  private void installZero(int index, int count) {
    boolean done = false;
    while (!done) {
      lock.readLock().lock();
      try {
        done = true;
        for (ProcessMemory memory : memories) {
          // Only who waits needs a page; others get theirs from the kernel when they touch it.
          for (int waited : demanded.subMap(index, index + count).keySet()) {
            done &= !memory.lacks(waited) || memory.answerZero(waited);
          }
          if (done) {
            memory.zero(index, count);
          }
        }
      } finally {
        lock.readLock().unlock();
      }
      pauseUnless(done);
    }
    forgetDemands(index, count);
  }

  private static void pauseUnless(boolean done) {
    if (!done) {
      LockSupport.parkNanos(BUSY_NANOS);
    }
  }

  private void forgetDemands(int index, int count) {
    if (!demanded.isEmpty()) {
      demanded.subMap(index, index + count).keySet().forEach(this::forgetDemand);
    }
  }

  private void forgetDemand(int index) {
    Demanded answered = demanded.remove(index);
    if (answered != null && answered.byThread()) {
      waits.record(System.nanoTime() - answered.first());
    }
  }

  /** Whether a slot continues a run that began {@code offset} pages before it. */
  private static boolean follows(int slot, int first, int offset) {
    return first < 0
        ? slot == first
        : slot == first + offset
            && slot / PageMemory.SLOTS_PER_CHUNK == first / PageMemory.SLOTS_PER_CHUNK;
  }
}
