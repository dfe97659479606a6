package io.longshore.target.pages;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.AnonymousMemory;
import io.longshore.linux.PageSize;
import io.longshore.linux.SystemCallException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Off-heap memory for received pages, in slots of one page.
 *
 * <p>Slots lie in chunks of 2 MiB, each a huge page where the kernel has them, because touching
 * memory for the first time costs more than copying into it. A chunk goes back to the kernel when
 * its last slot is freed, but for a few that are kept to be filled again. Thread-safe.
 */
final class PageMemory implements AutoCloseable {
  static final int SLOTS_PER_CHUNK = 512;

  /** Free chunks that are kept: 16 MiB, more than all streams may have in flight. */
  private static final int KEPT_CHUNKS = 8;

  private static final long CHUNK_BYTES = (long) SLOTS_PER_CHUNK * PageSize.BYTES;

  /** Adjacent slots. */
  record Slots(int first, int count) {}

  private final int maximumChunks;

  @GuardedBy("this")
  private final List<@Nullable Chunk> chunks = new ArrayList<>();

  @GuardedBy("this")
  private final ArrayDeque<Integer> unmapped = new ArrayDeque<>();

  @GuardedBy("this")
  private final ArrayDeque<Integer> kept = new ArrayDeque<>();

  /** Single slots that were freed to be filled again, and count as used. */
  @GuardedBy("this")
  private int[] loose = new int[64];

  @GuardedBy("this")
  private int looseCount;

  @GuardedBy("this")
  private int current = -1;

  @GuardedBy("this")
  private boolean closed;

  /**
   * @param limitBytes the most that may be mapped; rounded up to whole chunks, and a few more
   *     because chunks are freed whole
   */
  PageMemory(long limitBytes) {
    this.maximumChunks = Math.toIntExact((limitBytes + CHUNK_BYTES - 1) / CHUNK_BYTES) + 64;
  }

  /**
   * Takes up to {@code wanted} adjacent free slots.
   *
   * @return at least one slot; fewer than wanted at the end of a chunk
   * @throws PageStoreFullException if the limit is reached
   */
  synchronized Slots allocate(int wanted) {
    if (closed) {
      throw new IllegalStateException("the page store is closed");
    }
    if (looseCount > 0) {
      return new Slots(loose[--looseCount], 1);
    }
    Chunk chunk = current < 0 ? null : chunks.get(current);
    if (chunk == null || chunk.next == SLOTS_PER_CHUNK) {
      current = freshChunk();
      chunk = chunk(current);
    }
    int count = Math.min(wanted, SLOTS_PER_CHUNK - chunk.next);
    int first = current * SLOTS_PER_CHUNK + chunk.next;
    chunk.next += count;
    chunk.used += count;
    return new Slots(first, count);
  }

  /** The bytes of adjacent slots that one call of {@link #allocate} returned. */
  synchronized MemorySegment segment(int first, int count) {
    int chunk = first / SLOTS_PER_CHUNK;
    return chunk(chunk)
        .memory
        .segment()
        .asSlice((long) (first % SLOTS_PER_CHUNK) * PageSize.BYTES, (long) count * PageSize.BYTES);
  }

  /** Gives adjacent slots of one chunk back. Nobody may use their bytes any more. */
  synchronized void free(int first, int count) {
    int index = first / SLOTS_PER_CHUNK;
    Chunk chunk = chunk(index);
    chunk.used -= count;
    if (chunk.used > 0 || (index == current && chunk.next < SLOTS_PER_CHUNK)) {
      return;
    }
    if (index == current) {
      current = -1;
    }
    if (kept.size() < KEPT_CHUNKS) {
      chunk.next = 0;
      kept.add(index);
    } else {
      chunk.memory.close();
      chunks.set(index, null);
      unmapped.add(index);
    }
  }

  /**
   * Gives one slot back to be filled again: its chunk, of which others are in use, would not be
   * freed, and what replaces the page would take more memory.
   */
  synchronized void loosen(int slot) {
    if (looseCount == loose.length) {
      loose = Arrays.copyOf(loose, 2 * looseCount);
    }
    loose[looseCount++] = slot;
  }

  /** Frees what was loosened and is not filled. */
  synchronized void freeLoose() {
    while (looseCount > 0) {
      free(loose[--looseCount], 1);
    }
  }

  /** Bytes that are mapped now. */
  synchronized long mappedBytes() {
    return (chunks.size() - unmapped.size()) * CHUNK_BYTES;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (Chunk chunk : chunks) {
      if (chunk != null) {
        chunk.memory.close();
      }
    }
    chunks.clear();
    unmapped.clear();
    kept.clear();
  }

  @GuardedBy("this")
  private int freshChunk() {
    Integer ready = kept.poll();
    if (ready != null) {
      return ready;
    }
    if (chunks.size() - unmapped.size() >= maximumChunks) {
      throw new PageStoreFullException(mappedBytes(), null);
    }
    Chunk chunk = new Chunk(map());
    Integer place = unmapped.poll();
    if (place != null) {
      chunks.set(place, chunk);
      return place;
    }
    chunks.add(chunk);
    return chunks.size() - 1;
  }

  private AnonymousMemory map() {
    try {
      return AnonymousMemory.map(CHUNK_BYTES, AnonymousMemory.Option.HUGE_PAGES);
    } catch (SystemCallException e) {
      throw new PageStoreFullException(mappedBytes(), e);
    }
  }

  @GuardedBy("this")
  private Chunk chunk(int index) {
    Chunk chunk = closed ? null : chunks.get(index);
    if (chunk == null) {
      throw new IllegalStateException("chunk " + index + " is not mapped");
    }
    return chunk;
  }

  private static final class Chunk {
    final AnonymousMemory memory;
    int next;
    int used;

    Chunk(AnonymousMemory memory) {
      this.memory = memory;
    }
  }
}
