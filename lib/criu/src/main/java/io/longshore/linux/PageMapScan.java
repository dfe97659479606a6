package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.nio.file.Path;

/**
 * Finds pages of a process by their state; ioctl(2) {@code PAGEMAP_SCAN} on {@code
 * /proc/PID/pagemap}, Linux 6.7, Documentation/admin-guide/mm/pagemap.rst.
 *
 * <p>The open file holds on to the address space, not the pid: when the process has ended, scans
 * fail with {@code ESRCH} whatever the pid means then. Owns its buffers and allocates nothing in
 * {@link #scan}; one thread at a time.
 */
public final class PageMapScan implements AutoCloseable {
  /** linux/fs.h {@code struct pm_scan_arg}. */
  static final StructLayout PM_SCAN_ARG =
      MemoryLayout.structLayout(
          JAVA_LONG.withName("size"),
          JAVA_LONG.withName("flags"),
          JAVA_LONG.withName("start"),
          JAVA_LONG.withName("end"),
          JAVA_LONG.withName("walk_end"),
          JAVA_LONG.withName("vec"),
          JAVA_LONG.withName("vec_len"),
          JAVA_LONG.withName("max_pages"),
          JAVA_LONG.withName("category_inverted"),
          JAVA_LONG.withName("category_mask"),
          JAVA_LONG.withName("category_anyof_mask"),
          JAVA_LONG.withName("return_mask"));

  /** linux/fs.h {@code struct page_region}. */
  static final StructLayout PAGE_REGION =
      MemoryLayout.structLayout(
          JAVA_LONG.withName("start"), JAVA_LONG.withName("end"), JAVA_LONG.withName("categories"));

  /** {@code _IOWR('f', 16, struct pm_scan_arg)}. */
  static final long PAGEMAP_SCAN =
      (3L << 30) | (PM_SCAN_ARG.byteSize() << 16) | ((long) 'f' << 8) | 16;

  private static final int REGIONS = 8192;
  private static final long REGION_BYTES = PAGE_REGION.byteSize();

  private final int pid;
  private final FileDescriptorHandle pagemap;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment callState = NativeCall.callState(arena);
  private final MemorySegment argument = arena.allocate(PM_SCAN_ARG);
  private final MemorySegment regions = arena.allocate(PAGE_REGION, REGIONS);

  /** Takes the regions of a scan, in ascending order. */
  @FunctionalInterface
  public interface RegionConsumer {
    /**
     * Takes one region.
     *
     * @param start first address
     * @param end address behind the last page
     * @param categories those asked for with {@link PageQuery#reported}
     */
    void accept(long start, long end, long categories) throws IOException;
  }

  private PageMapScan(int pid, FileDescriptorHandle pagemap) {
    this.pid = pid;
    this.pagemap = pagemap;
  }

  /** Opens the page map of {@code pid}; needs the right to ptrace it. */
  public static PageMapScan open(int pid) throws SystemCallException {
    return new PageMapScan(
        pid, FileDescriptorHandle.openForReading(Path.of("/proc/" + pid + "/pagemap")));
  }

  /** Whether this kernel has {@code PAGEMAP_SCAN}. */
  public static boolean isSupported() throws SystemCallException {
    try (PageMapScan self = open((int) ProcessHandle.current().pid())) {
      self.scan(0, 0, PageQuery.POPULATED, (start, end, categories) -> {});
      return true;
    } catch (SystemCallException e) {
      if (e.errno() == Errno.ENOTTY || e.errno() == Errno.EINVAL) {
        return false;
      }
      throw e;
    } catch (IOException e) {
      throw new AssertionError("the consumer throws nothing", e);
    }
  }

  /**
   * Reports the pages in {@code [start, end)} that match, adjacent ones as one region.
   *
   * <p>If the process runs, every page is reported as it is when the walk passes it.
   *
   * @param start a page's address
   * @param end a page's address
   * @return matching pages
   * @throws SystemCallException {@code ESRCH} if the process has ended
   * @throws IOException what the consumer throws
   */
  public long scan(long start, long end, PageQuery query, RegionConsumer consumer)
      throws IOException {
    argument.set(JAVA_LONG, 0, PM_SCAN_ARG.byteSize());
    argument.set(JAVA_LONG, 8, query.flags());
    argument.set(JAVA_LONG, 24, end);
    argument.set(JAVA_LONG, 40, regions.address());
    argument.set(JAVA_LONG, 48, REGIONS);
    argument.set(JAVA_LONG, 56, 0);
    argument.set(JAVA_LONG, 64, query.inverted());
    argument.set(JAVA_LONG, 72, query.all());
    argument.set(JAVA_LONG, 80, query.any());
    argument.set(JAVA_LONG, 88, query.reported());
    long pages = 0;
    long from = start;
    long pendingStart = 0;
    long pendingEnd = 0;
    long pendingCategories = 0;
    do {
      argument.set(JAVA_LONG, 16, from);
      argument.set(JAVA_LONG, 32, 0);
      int found = SystemCalls.ioctl(callState, pagemap.number(), PAGEMAP_SCAN, argument);
      if (found < 0) {
        throw new SystemCallException(
            "ioctl(/proc/%d/pagemap, PAGEMAP_SCAN, 0x%x-0x%x)".formatted(pid, from, end), -found);
      }
      long reached = argument.get(JAVA_LONG, 32);
      for (int i = 0; i < found; i++) {
        long first = regions.get(JAVA_LONG, i * REGION_BYTES);
        long last = regions.get(JAVA_LONG, i * REGION_BYTES + 8);
        long categories = regions.get(JAVA_LONG, i * REGION_BYTES + 16);
        pages += (last - first) / PageSize.BYTES;
        if (first == pendingEnd && categories == pendingCategories) {
          pendingEnd = last;
          continue;
        }
        if (pendingEnd != 0) {
          consumer.accept(pendingStart, pendingEnd, pendingCategories);
        }
        pendingStart = first;
        pendingEnd = last;
        pendingCategories = categories;
      }
      // When the last regions fit, walk_end can be where the kernel's own buffer was last full,
      // which
      // lies before them (seen on 6.18): going on from there would report them twice.
      if (found > 0 && Long.compareUnsigned(pendingEnd, reached) > 0) {
        reached = pendingEnd;
      }
      if (Long.compareUnsigned(reached, from) <= 0 && from != end) {
        throw new IOException(
            "PAGEMAP_SCAN of process %d made no progress at 0x%x".formatted(pid, from));
      }
      from = reached;
    } while (Long.compareUnsigned(from, end) < 0);
    if (pendingEnd != 0) {
      consumer.accept(pendingStart, pendingEnd, pendingCategories);
    }
    return pages;
  }

  /** Closes the page map; not while another thread scans. */
  @Override
  public void close() {
    pagemap.close();
    arena.close();
  }
}
