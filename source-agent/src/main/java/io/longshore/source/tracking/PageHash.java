package io.longshore.source.tracking;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/**
 * A hash of what a page holds: CRC-32 and CRC-32C side by side, which is a CRC of 64 bits, for
 * processors compute both as fast as memory is read. A page whose content is another keeps its hash
 * with a probability of 2<sup>-64</sup>: with a million changed pages a second, one would be missed
 * in half a million years. It is not cryptographic: a workload that makes collisions loses pages of
 * its own.
 */
public final class PageHash {
  private PageHash() {}

  /**
   * The hash of a content.
   *
   * @param content off-heap
   */
  public static long of(MemorySegment content) {
    CRC32 high = new CRC32();
    high.update(content.asByteBuffer());
    CRC32C low = new CRC32C();
    low.update(content.asByteBuffer());
    return high.getValue() << 32 | low.getValue();
  }
}
