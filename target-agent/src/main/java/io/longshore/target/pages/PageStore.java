package io.longshore.target.pages;

import io.longshore.linux.PageSize;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Where received pages of one workload go: kept in memory until the workload is restored, and
 * straight into its processes from then on.
 *
 * <p>Pages come in any order over any stream, each into a place that was announced before.
 * Thread-safe.
 */
public final class PageStore implements AutoCloseable {
  /**
   * How much more than was admitted may be announced, because zero pages take no memory. A page
   * that is announced costs 4 bytes and a few bits, so the tables stay below a hundredth of what
   * was admitted.
   */
  private static final int ANNOUNCED_TO_ADMITTED = 8;

  private final long limitPages;
  private final PageMemory kept;
  private final RoundPages rounds;
  private final FaultWaits waits = new FaultWaits();
  private final AtomicLong left = new AtomicLong();
  private final Map<Integer, ProcessPages> processes = new ConcurrentHashMap<>();
  private volatile Runnable whenNothingIsLacked = () -> {};

  /**
   * @param limitBytes how much was admitted
   */
  public PageStore(long limitBytes) {
    this.limitPages = limitBytes / PageSize.BYTES;
    this.kept = new PageMemory(limitBytes);
    this.rounds = new RoundPages(kept, limitPages);
  }

  /**
   * Keeps pages of the workload that still runs on the source. What came of them before is
   * replaced.
   *
   * @param content of all of them from its position on; the position moves behind them
   * @throws PageStoreFullException if more was sent than admitted
   * @throws PageNotAnnouncedException if the images were announced: there are no more rounds
   */
  public void keepOfRound(int vpid, PageRange range, ByteBuffer content) {
    int bytes = Math.multiplyExact(range.count(), PageSize.BYTES);
    rounds.keep(vpid, range, MemorySegment.ofBuffer(content.slice(content.position(), bytes)));
    content.position(content.position() + bytes);
  }

  /** The same of pages that are all zero. */
  public void keepZeroOfRound(int vpid, PageRange range) {
    rounds.keepZero(vpid, range);
  }

  /**
   * What pages hold that came in rounds.
   *
   * @param into at its position; the position moves behind it
   * @throws PageNotAnnouncedException if one did not come, or is forgotten
   */
  public void copyOfRound(int vpid, PageRange range, ByteBuffer into) {
    int bytes = Math.multiplyExact(range.count(), PageSize.BYTES);
    rounds.copy(vpid, range, MemorySegment.ofBuffer(into.slice(into.position(), bytes)));
    into.position(into.position() + bytes);
  }

  /** Forgets pages that came in rounds and were written since; others are no harm. */
  public void forgetOfRound(int vpid, long firstPage, long count) {
    rounds.forget(vpid, firstPage, count);
  }

  /**
   * Tells which pages of the workload's processes will come: all of it, or nothing if it is
   * refused.
   *
   * @param ranges of each process, ascending, not overlapping
   * @param roundPages how many of them came in rounds; these are taken over, all others that came
   *     are forgotten, and no round may come any more
   * @throws IllegalArgumentException if they overlap, a process was announced before, or not so
   *     many came in rounds: what is stale and what is not would be a guess
   * @throws PageStoreFullException if they are many more than were admitted
   */
  public synchronized void announce(Map<Integer, List<PageRange>> ranges, long roundPages) {
    long pages = ranges.values().stream().flatMap(List::stream).mapToLong(PageRange::count).sum();
    if (pages > ANNOUNCED_TO_ADMITTED * limitPages) {
      throw new PageStoreFullException(pages, limitPages);
    }
    Map<Integer, ProcessPages> announced = new HashMap<>();
    ranges.forEach(
        (vpid, of) -> {
          if (processes.containsKey(vpid)) {
            throw new IllegalArgumentException("process " + vpid + " was announced before");
          }
          announced.put(vpid, new ProcessPages(vpid, of, kept, left, waits));
        });
    rounds.end(ranges, roundPages);
    announced.values().forEach(process -> process.takeOver(rounds));
    rounds.clear();
    processes.putAll(announced);
  }

  /** How long threads waited for pages that were demanded. */
  FaultWaits waits() {
    return waits;
  }

  /**
   * Refuses pages that were not announced.
   *
   * @throws PageNotAnnouncedException if one was not, or they are not adjacent in one range
   */
  public void check(int vpid, long firstPage, int count) {
    int _ = process(vpid, firstPage, count).index(firstPage, count);
  }

  /**
   * Takes pages in. Pages that came before are no harm.
   *
   * @param content {@code count} pages from its position on; the position moves behind them. Used
   *     only during the call; a direct buffer is not copied if the workload is restored
   * @throws PageNotAnnouncedException if one was not announced; nothing was taken then
   * @throws PageStoreFullException if more was sent than admitted
   */
  public void store(int vpid, long firstPage, int count, ByteBuffer content) {
    ProcessPages process = process(vpid, firstPage, count);
    int index = process.index(firstPage, count);
    int bytes = count * PageSize.BYTES;
    ByteBuffer pages = content.slice(content.position(), bytes);
    content.position(content.position() + bytes);
    if (pages.isDirect()) {
      process.store(index, count, MemorySegment.ofBuffer(pages));
    } else {
      copyAndStore(process, index, count, MemorySegment.ofBuffer(pages));
    }
    tellIfNothingIsLacked();
  }

  /**
   * Notes pages that are all zero.
   *
   * @throws PageNotAnnouncedException if one was not announced
   */
  public void storeZero(int vpid, long firstPage, int count) {
    ProcessPages process = process(vpid, firstPage, count);
    process.storeZero(process.index(firstPage, count), count);
    tellIfNothingIsLacked();
  }

  /** Every page that was announced is where it belongs: those that come again are dropped. */
  public void dropAll() {
    processes.values().forEach(ProcessPages::open);
  }

  /** Pages that were announced and did not come yet. */
  public long stalePages() {
    return processes.values().stream().mapToLong(ProcessPages::stalePages).sum();
  }

  /** Bytes of memory held now. */
  public long heldBytes() {
    return kept.mappedBytes();
  }

  /** How many announced pages the workload's processes lack. */
  public long lackedPages() {
    return left.get();
  }

  /** Is told, perhaps more than once, after pages came and none is lacked. Must not block. */
  void whenNothingIsLacked(Runnable listener) {
    whenNothingIsLacked = listener;
  }

  Collection<ProcessPages> processes() {
    return processes.values();
  }

  /** The pages of a process; null if none were announced. */
  @org.jspecify.annotations.Nullable
  ProcessPages process(int vpid) {
    return processes.get(vpid);
  }

  /** Frees everything. No other method may be running or be called again. */
  @Override
  public void close() {
    kept.close();
  }

  /** The kernel fills pages from memory outside of Java's heap only. */
  private void copyAndStore(ProcessPages process, int index, int count, MemorySegment content) {
    for (int done = 0; done < count; ) {
      PageMemory.Slots room = kept.allocate(count - done);
      try {
        MemorySegment copy = kept.segment(room.first(), room.count());
        copy.copyFrom(content.asSlice((long) done * PageSize.BYTES, copy.byteSize()));
        process.store(index + done, room.count(), copy);
      } finally {
        kept.free(room.first(), room.count());
      }
      done += room.count();
    }
  }

  private void tellIfNothingIsLacked() {
    if (left.get() == 0) {
      whenNothingIsLacked.run();
    }
  }

  private ProcessPages process(int vpid, long firstPage, int count) {
    ProcessPages process = processes.get(vpid);
    if (process == null) {
      throw new PageNotAnnouncedException(vpid, firstPage, count);
    }
    return process;
  }
}
