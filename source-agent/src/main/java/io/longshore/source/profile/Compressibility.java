package io.longshore.source.profile;

import io.longshore.linux.PageSize;
import io.longshore.linux.ZeroPages;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.Deflater;

/** What quick compression makes of some pages. */
final class Compressibility implements PageSample.Content, AutoCloseable {
  /** About a millisecond of work. */
  private static final int MOST = 128;

  private final int every;
  private final Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
  private final byte[] page = new byte[PageSize.BYTES];
  private final byte[] compressed = new byte[2 * PageSize.BYTES];
  private int seen;
  private int zero;
  private int taken;
  private long bytes;

  /**
   * @param pages that will be shown
   */
  Compressibility(int pages) {
    this.every = Math.max(1, pages / MOST);
  }

  @Override
  public void page(MemorySegment content, long offset) {
    if (ZeroPages.isZero(content, offset)) {
      zero++;
    } else if (seen++ % every == 0) {
      MemorySegment.copy(content, ValueLayout.JAVA_BYTE, offset, page, 0, page.length);
      deflater.reset();
      deflater.setInput(page);
      deflater.finish();
      bytes += Math.min(page.length, deflater.deflate(compressed));
      taken++;
    }
  }

  /** Pages of zeros. */
  int zeroPages() {
    return zero;
  }

  /** Compressed bytes by bytes, of pages that are not all zero; 1 if there was none. */
  double ratio() {
    return taken == 0 ? 1 : (double) bytes / ((long) taken * PageSize.BYTES);
  }

  @Override
  public void close() {
    deflater.close();
  }
}
