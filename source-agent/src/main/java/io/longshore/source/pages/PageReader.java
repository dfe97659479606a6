package io.longshore.source.pages;

import io.longshore.linux.PageSize;
import io.longshore.linux.ProcessMemoryReader;
import io.longshore.linux.ZeroPages;
import io.longshore.source.pages.PageBatch.Run;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Reads pages out of frozen processes and makes batches of them. Not thread-safe: one for each
 * sender, because its buffers are reused.
 */
final class PageReader implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final ProcessMemoryReader memory = new ProcessMemoryReader();
  private final MemorySegment pages;
  private final byte[] payload;
  private final MemorySegment payloadSegment;
  private final CRC32C checksum = new CRC32C();

  /**
   * @param maximumPages the most pages of a batch
   */
  PageReader(int maximumPages) {
    this.pages = arena.allocate((long) maximumPages * PageSize.BYTES, PageSize.BYTES);
    this.payload = new byte[maximumPages * PageSize.BYTES];
    this.payloadSegment = MemorySegment.ofArray(payload);
  }

  /**
   * Reads pages of processes that cannot run.
   *
   * @param ranges together at most the maximum
   * @throws IOException if a process is gone or a page cannot be read: the workload is not what
   *     CRIU described
   */
  PageBatch read(List<PageRange> ranges) throws IOException {
    List<Run> runs = new ArrayList<>();
    long at = 0;
    int filled = 0;
    int zeroPages = 0;
    for (PageRange range : ranges) {
      MemorySegment content = pages.asSlice(at, (long) range.count() * PageSize.BYTES);
      long read = memory.read(range.pid(), range.firstPage() * PageSize.BYTES, content);
      if (read < content.byteSize()) {
        // What stands in the buffer then is of other pages.
        throw new IOException(
            "process %d cannot be read at %#x: of %d bytes from %#x on only %d were there"
                .formatted(
                    range.pid(),
                    memory.stoppedAtAddress(),
                    content.byteSize(),
                    range.firstPage() * PageSize.BYTES,
                    read));
      }
      at += content.byteSize();
      int from = 0;
      while (from < range.count()) {
        boolean zero = ZeroPages.isZero(content, (long) from * PageSize.BYTES);
        int end = from + 1;
        while (end < range.count()
            && ZeroPages.isZero(content, (long) end * PageSize.BYTES) == zero) {
          end++;
        }
        runs.add(new Run(range.part(from, end - from), zero));
        if (zero) {
          zeroPages += end - from;
        } else {
          int bytes = (end - from) * PageSize.BYTES;
          MemorySegment.copy(content, (long) from * PageSize.BYTES, payloadSegment, filled, bytes);
          filled += bytes;
        }
        from = end;
      }
    }
    checksum.reset();
    checksum.update(payload, 0, filled);
    return new PageBatch(
        runs, payload, filled, (int) checksum.getValue(), filled / PageSize.BYTES, zeroPages);
  }

  @Override
  public void close() {
    memory.close();
    arena.close();
  }
}
