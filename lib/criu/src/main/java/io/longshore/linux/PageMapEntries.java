package io.longshore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * Finds pages of a process by the bits of {@code /proc/PID/pagemap}, one word a page, as every
 * kernel has it; Documentation/admin-guide/mm/pagemap.rst. {@link PageMapScan} is quicker where
 * there is little in a mapping. One thread at a time.
 */
public final class PageMapEntries implements AutoCloseable {
  /** Written since the bit was cleared; needs {@code CONFIG_MEM_SOFT_DIRTY}. */
  public static final long SOFT_DIRTY = 1L << 55;

  private static final long SWAPPED = 1L << 62;
  private static final long PRESENT = 1L << 63;

  /** Frame number, or type and offset of swap. */
  private static final long WHERE = SWAPPED | PRESENT | (SOFT_DIRTY - 1);

  private static final int ENTRIES = 1 << 15;

  private final int pid;
  private final FileDescriptorHandle pagemap;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment entries = arena.allocate(ValueLayout.JAVA_LONG, ENTRIES);

  /** Takes pages in ascending order. */
  @FunctionalInterface
  public interface EntryConsumer {
    /**
     * Takes one page.
     *
     * @param page its address / 4096
     * @param where its content is: the frame in memory, which is 0 for who lacks CAP_SYS_ADMIN, or
     *     the place in swap. No two places have the same
     * @param written whether {@link #SOFT_DIRTY} is set
     */
    void accept(long page, long where, boolean written) throws IOException;
  }

  private PageMapEntries(int pid, FileDescriptorHandle pagemap) {
    this.pid = pid;
    this.pagemap = pagemap;
  }

  /** Opens the page map of {@code pid}; needs the right to ptrace it. */
  public static PageMapEntries open(int pid) throws SystemCallException {
    return new PageMapEntries(
        pid, FileDescriptorHandle.openForReading(Path.of("/proc/" + pid + "/pagemap")));
  }

  /**
   * Reports pages in {@code [start, end)} that are in memory or in swap and have all of some bits.
   * The kernel's page of zeros counts as being in memory.
   *
   * @param bits {@link #SOFT_DIRTY} or 0
   */
  public void find(long start, long end, long bits, PageConsumer consumer) throws IOException {
    long from = start;
    while (from < end) {
      int count = read(from, end);
      report(from, count, bits, consumer);
      from += (long) count * PageSize.BYTES;
    }
  }

  /** Reports each page in {@code [start, end)} that is in memory or in swap, with where it is. */
  public void forEach(long start, long end, EntryConsumer consumer) throws IOException {
    long from = start;
    while (from < end) {
      int count = read(from, end);
      long first = from / PageSize.BYTES;
      for (int i = 0; i < count; i++) {
        long entry = entries.getAtIndex(ValueLayout.JAVA_LONG, i);
        if (matches(entry, 0)) {
          consumer.accept(first + i, entry & WHERE, (entry & SOFT_DIRTY) != 0);
        }
      }
      from += (long) count * PageSize.BYTES;
    }
  }

  /** Whether the kernel tells this process where pages are. */
  static boolean isTold(long where) {
    return (where & (SOFT_DIRTY - 1)) != 0;
  }

  /** Reads the first entries of a range; how many. */
  private int read(long from, long end) throws SystemCallException {
    long wanted = Math.min(ENTRIES, (end - from) / PageSize.BYTES) * Long.BYTES;
    long read =
        SystemCalls.readAt(
            pagemap.number(), entries.asSlice(0, wanted), from / PageSize.BYTES * Long.BYTES);
    if (read < 0) {
      throw new SystemCallException(
          "pread(/proc/%d/pagemap, 0x%x-0x%x)".formatted(pid, from, end), (int) -read);
    }
    int count = (int) (read / Long.BYTES);
    if (count == 0) {
      // The kernel gives nothing of a process that has ended.
      throw new SystemCallException("pread(/proc/" + pid + "/pagemap)", Errno.ESRCH);
    }
    return count;
  }

  private void report(long from, int count, long bits, PageConsumer consumer) throws IOException {
    int run = 0;
    for (int i = 0; i <= count; i++) {
      if (i < count && matches(entries.getAtIndex(ValueLayout.JAVA_LONG, i), bits)) {
        run++;
      } else if (run > 0) {
        long end = from + (long) i * PageSize.BYTES;
        consumer.accept(end - (long) run * PageSize.BYTES, end);
        run = 0;
      }
    }
  }

  private static boolean matches(long entry, long bits) {
    return (entry & (PRESENT | SWAPPED)) != 0 && (entry & bits) == bits;
  }

  @Override
  public void close() {
    pagemap.close();
    arena.close();
  }
}
