package io.longshore.source.pages;

import io.longshore.linux.Errno;
import io.longshore.linux.PageSize;
import io.longshore.linux.ProcessMemoryReader;
import io.longshore.linux.SystemCallException;
import io.longshore.linux.ZeroPages;
import io.longshore.source.pages.PageBatch.Run;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Reads pages out of processes and makes batches of them. Not thread-safe: one for each sender,
 * because its buffers are reused.
 */
final class PageReader implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final ProcessMemoryReader memory = new ProcessMemoryReader();
  private final MemorySegment pages;
  private final ByteBuffer buffer;
  private final CRC32C checksum = new CRC32C();

  // Of the batch that is being made.
  private List<Run> runs = new ArrayList<>();
  private int filled;
  private int zeroPages;

  /** Is told what was read. */
  interface Reader {
    /**
     * These pages, as they will be sent.
     *
     * @param content valid during the call
     */
    void read(PageRange range, MemorySegment content);
  }

  /**
   * @param maximumPages the most pages of a batch
   */
  PageReader(int maximumPages) {
    this.pages = arena.allocate((long) maximumPages * PageSize.BYTES, PageSize.BYTES);
    this.buffer = pages.asByteBuffer();
  }

  /**
   * Reads pages of processes that cannot run.
   *
   * @param ranges together at most the maximum
   * @throws IOException if a process is gone or a page cannot be read: the workload is not what
   *     CRIU described
   */
  PageBatch read(List<PageRange> ranges) throws IOException {
    begin();
    for (int i = 0; i < ranges.size(); i++) {
      PageRange range = ranges.get(i);
      read(range, pages.asSlice(filled, (long) range.count() * PageSize.BYTES));
      append(range);
    }
    return batch(false);
  }

  /**
   * Reads pages of processes that run. Those that are gone by now are left out, and those that are
   * written meanwhile are as they are at some moment, or half so: the tracker knows.
   *
   * @param ranges together at most the maximum
   * @param reader is told what was read
   * @throws IOException if a process may not be read
   */
  PageBatch readRunning(List<PageRange> ranges, Reader reader) throws IOException {
    begin();
    for (PageRange range : ranges) {
      int at = 0;
      while (at < range.count()) {
        PageRange rest = range.part(at, range.count() - at);
        int count = readWhatIsThere(rest);
        if (count < 0) {
          break;
        }
        if (count > 0) {
          PageRange there = rest.part(0, count);
          reader.read(there, pages.asSlice(filled, (long) count * PageSize.BYTES));
          append(there);
        }
        // One page cannot be read, if any.
        at += count + 1;
      }
    }
    return batch(true);
  }

  private void begin() {
    runs = new ArrayList<>();
    filled = 0;
    zeroPages = 0;
  }

  private PageBatch batch(boolean round) {
    ByteBuffer payload = buffer.slice(0, filled);
    checksum.reset();
    checksum.update(payload);
    return new PageBatch(
        runs,
        payload.rewind(),
        (int) checksum.getValue(),
        filled / PageSize.BYTES,
        zeroPages,
        round);
  }

  /**
   * Makes runs of pages that stand behind the others in the buffer. Those of zeros are taken out of
   * the payload, for which what follows moves up.
   */
  private void append(PageRange range) {
    int end = filled + range.count() * PageSize.BYTES;
    int next = filled;
    while (next < end) {
      int from = next;
      boolean zero = isZero(next);
      do {
        next += PageSize.BYTES;
      } while (next < end && isZero(next) == zero);
      int count = (next - from) / PageSize.BYTES;
      runs.add(new Run(range.part(range.count() - (end - from) / PageSize.BYTES, count), zero));
      if (zero) {
        zeroPages += count;
      } else {
        if (filled != from) {
          MemorySegment.copy(pages, from, pages, filled, next - from);
        }
        filled += next - from;
      }
    }
  }

  /** How many pages, from the first of the range on, were read; -1 if the process has ended. */
  private int readWhatIsThere(PageRange range) throws IOException {
    MemorySegment content = pages.asSlice(filled, (long) range.count() * PageSize.BYTES);
    try {
      long read = memory.read(range.pid(), range.firstPage() * PageSize.BYTES, content);
      return (int) (read / PageSize.BYTES);
    } catch (SystemCallException e) {
      if (e.errno() == Errno.ESRCH) {
        return -1;
      }
      throw e;
    }
  }

  private void read(PageRange range, MemorySegment content) throws IOException {
    long start = range.firstPage() * PageSize.BYTES;
    for (long at = 0; at < content.byteSize(); ) {
      at += memory.read(range.pid(), start + at, content.asSlice(at));
      if (at < content.byteSize()) {
        readProtected(range.pid(), start + at, content.asSlice(at, PageSize.BYTES));
        at += PageSize.BYTES;
      }
    }
  }

  /**
   * A page with content that the process itself may not read now, such as those with which a JVM
   * stops its threads; by proc_pid_mem(5), which needs no right on the page.
   */
  private static void readProtected(int pid, long address, MemorySegment page) throws IOException {
    try (FileChannel file = FileChannel.open(Path.of("/proc", Integer.toString(pid), "mem"))) {
      if (file.read(page.asByteBuffer(), address) == PageSize.BYTES) {
        return;
      }
    } catch (IOException e) {
      // What stands in the buffer then is of other pages.
      throw new IOException("process %d cannot be read at %#x".formatted(pid, address), e);
    }
    throw new IOException("process %d cannot be read at %#x".formatted(pid, address));
  }

  private boolean isZero(int offset) {
    // Nearly all pages that are not zero show it here. This runs for every page, from the first on,
    // so it must be quick before it is compiled too: an access to the segment is not.
    return buffer.getLong(offset) == 0 && ZeroPages.isZero(pages, offset);
  }

  @Override
  public void close() {
    memory.close();
    arena.close();
  }
}
