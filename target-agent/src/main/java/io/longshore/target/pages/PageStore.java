package io.longshore.target.pages;

import io.longshore.linux.PageSize;
import io.longshore.target.pages.PageMemory.Slots;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The target's memory of received pages of one workload.
 *
 * <p>Pages come in any order over any stream, each into a place that was announced before; they
 * leave when they are installed in the workload, and their memory with them. Thread-safe.
 */
public final class PageStore implements AutoCloseable {
  /**
   * How much more than was admitted may be announced, because zero pages take no memory. A page
   * that is announced costs 4 bytes, so the tables stay below a hundredth of what was admitted.
   */
  private static final int ANNOUNCED_TO_ADMITTED = 8;

  private final long limitPages;
  private final PageMemory memory;
  private final Map<Integer, AddressSpace> spaces = new ConcurrentHashMap<>();

  /**
   * @param limitBytes how much was admitted
   */
  public PageStore(long limitBytes) {
    this.limitPages = limitBytes / PageSize.BYTES;
    this.memory = new PageMemory(limitBytes);
  }

  /**
   * Tells which pages of the workload's processes will come: all of it, or nothing if it is
   * refused.
   *
   * @param ranges of each process, ascending, not overlapping
   * @throws IllegalArgumentException if they overlap or a process was announced before
   * @throws PageStoreFullException if they are many more than were admitted
   */
  public synchronized void announce(Map<Integer, List<PageRange>> ranges) {
    long pages = ranges.values().stream().flatMap(List::stream).mapToLong(PageRange::count).sum();
    if (pages > ANNOUNCED_TO_ADMITTED * limitPages) {
      throw new PageStoreFullException(pages, limitPages);
    }
    Map<Integer, AddressSpace> announced = new HashMap<>();
    ranges.forEach(
        (vpid, of) -> {
          if (spaces.containsKey(vpid)) {
            throw new IllegalArgumentException("process " + vpid + " was announced before");
          }
          announced.put(vpid, new AddressSpace(vpid, of, memory));
        });
    spaces.putAll(announced);
  }

  /**
   * Refuses pages that were not announced.
   *
   * @throws PageNotAnnouncedException if one was not, or they are not adjacent in one range
   */
  public void check(int vpid, long firstPage, int count) {
    space(vpid, firstPage, count).check(firstPage, count);
  }

  /**
   * Copies pages in.
   *
   * @param content {@code count} pages from its position on; the position moves behind them
   * @throws PageNotAnnouncedException if one was not announced; nothing was stored then
   * @throws PageStoreFullException if more was sent than admitted
   */
  public void store(int vpid, long firstPage, int count, ByteBuffer content) {
    AddressSpace space = space(vpid, firstPage, count);
    space.check(firstPage, count);
    List<Slots> runs = new ArrayList<>(2);
    try {
      for (int left = count; left > 0; ) {
        Slots run = memory.allocate(left);
        runs.add(run);
        left -= run.count();
        int bytes = run.count() * PageSize.BYTES;
        memory
            .segment(run.first(), run.count())
            .copyFrom(MemorySegment.ofBuffer(content.slice(content.position(), bytes)));
        content.position(content.position() + bytes);
      }
    } catch (RuntimeException e) {
      runs.forEach(run -> memory.free(run.first(), run.count()));
      throw e;
    }
    space.store(firstPage, count, runs);
  }

  /**
   * Notes pages that are all zero.
   *
   * @throws PageNotAnnouncedException if one was not announced
   */
  public void storeZero(int vpid, long firstPage, int count) {
    space(vpid, firstPage, count).storeZero(firstPage, count);
  }

  /** Pages that were announced and did not arrive yet. */
  public long stalePages() {
    return spaces.values().stream().mapToLong(AddressSpace::stalePages).sum();
  }

  /** Bytes of memory held now. */
  public long heldBytes() {
    return memory.mappedBytes();
  }

  AddressSpace space(int vpid, long firstPage, int count) {
    AddressSpace space = spaces.get(vpid);
    if (space == null) {
      throw new PageNotAnnouncedException(vpid, firstPage, count);
    }
    return space;
  }

  /** Frees everything. No other method may be running or be called again. */
  @Override
  public void close() {
    memory.close();
  }
}
