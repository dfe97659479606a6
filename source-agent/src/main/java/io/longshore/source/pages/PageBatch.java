package io.longshore.source.pages;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Pages ready to be sent.
 *
 * @param runs what the pages are, in the order of the payload
 * @param payload the pages with content one after another, from 0 to its limit. Its memory is
 *     reused for the next batch as soon as {@link PageChannel#send} returns
 * @param crc32c of the payload
 * @param contentPages pages with content
 * @param zeroPages pages that are all zero
 * @param round whether the workload still runs here
 */
public record PageBatch(
    List<Run> runs,
    ByteBuffer payload,
    int crc32c,
    int contentPages,
    int zeroPages,
    boolean round) {

  /**
   * Adjacent pages of one kind.
   *
   * @param range where they are
   * @param zero whether they are all zero; else they are in the payload
   */
  public record Run(PageRange range, boolean zero) {}

  public PageBatch {
    runs = List.copyOf(runs);
  }

  /** Pages in all. */
  public int pages() {
    return contentPages + zeroPages;
  }
}
