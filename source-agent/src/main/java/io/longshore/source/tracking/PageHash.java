package io.longshore.source.tracking;

import java.lang.foreign.MemorySegment;
import java.util.zip.Adler32;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/**
 * A hash of what a page holds: CRC-32C, and CRC-32 mixed with Adler-32, which the processor or the
 * C library computes quickly. A page whose content is another keeps its hash with a probability of
 * about 2<sup>-64</sup>: with a million changed pages a second, one would be missed in half a
 * million years. Adler-32 is there for records that end with a CRC of their own: they can change as
 * they like and leave the CRC of the whole as it was. It is not cryptographic: a workload that
 * makes collisions loses pages of its own.
 */
public final class PageHash {
  /** Odd: the low 32 bits of a product are others for each factor. */
  private static final long SPREAD = 0x9E3779B1L;

  private PageHash() {}

  /**
   * The hash of a content.
   *
   * @param content off-heap
   */
  public static long of(MemorySegment content) {
    CRC32 crc = new CRC32();
    crc.update(content.asByteBuffer());
    Adler32 sum = new Adler32();
    sum.update(content.asByteBuffer());
    CRC32C castagnoli = new CRC32C();
    castagnoli.update(content.asByteBuffer());
    return (crc.getValue() ^ sum.getValue() * SPREAD) << 32 | castagnoli.getValue();
  }
}
