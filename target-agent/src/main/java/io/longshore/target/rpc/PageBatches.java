package io.longshore.target.rpc;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.PageNotAnnouncedException;
import io.longshore.target.pages.PageRange;
import io.longshore.target.pages.PageStore;
import io.longshore.target.pages.PageStoreFullException;
import io.longshore.target.rpc.PageRequest.Run;
import io.longshore.transfer.v1.PageEncoding;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Checks batches of pages and stores them. */
final class PageBatches {
  private static final int PAGE_BYTES = 4096;
  private static final int PAYLOAD_BYTES = 1 << 20;

  private PageBatches() {}

  /** Uncompressed bytes of all pages of a batch. */
  static long bytes(PageRequest.Batch batch) {
    long pages = 0;
    for (Run run : batch.runs()) {
      if (run.count() < 1) {
        throw malformed("a run of " + run.count() + " pages");
      }
      pages += run.count();
    }
    return pages * PAGE_BYTES;
  }

  /**
   * Stores a batch, or nothing of it.
   *
   * @throws LongshoreException MALFORMED_STREAM, BAD_CHECKSUM, PAGE_NOT_ANNOUNCED or OUT_OF_MEMORY
   */
  static void store(PageRequest.Batch batch, PageStore pages, CRC32C checksum) {
    ByteBuffer payload = batch.payload();
    checkLength("the payload of a batch", payload.remaining(), PAYLOAD_BYTES);
    long rawPages = 0;
    try {
      for (Run run : batch.runs()) {
        switch (run.encoding()) {
          case PageEncoding.PAGE_ENCODING_RAW_VALUE -> rawPages += run.count();
          case PageEncoding.PAGE_ENCODING_ZERO_VALUE -> {}
          default -> throw malformed("pages of an unknown encoding");
        }
        if (!batch.round()) {
          pages.check(run.vpid(), run.firstPage(), run.count());
        }
      }
      if (payload.remaining() != rawPages * PAGE_BYTES) {
        throw malformed(
            "%d pages with content in %d bytes".formatted(rawPages, payload.remaining()));
      }
      checkSum(payload, batch.crc32c(), checksum);
      for (Run run : batch.runs()) {
        boolean raw = run.encoding() == PageEncoding.PAGE_ENCODING_RAW_VALUE;
        if (batch.round()) {
          keep(run, raw, payload, pages);
        } else if (raw) {
          pages.store(run.vpid(), run.firstPage(), run.count(), payload);
        } else {
          pages.storeZero(run.vpid(), run.firstPage(), run.count());
        }
      }
    } catch (PageNotAnnouncedException e) {
      throw new LongshoreException(Reason.PAGE_NOT_ANNOUNCED, String.valueOf(e.getMessage()), e);
    } catch (PageStoreFullException e) {
      throw new LongshoreException(Reason.OUT_OF_MEMORY, String.valueOf(e.getMessage()), e);
    }
  }

  private static void keep(Run run, boolean raw, ByteBuffer payload, PageStore pages) {
    PageRange range;
    try {
      range = new PageRange(run.firstPage(), run.count());
    } catch (IllegalArgumentException e) {
      throw malformed(String.valueOf(e.getMessage()));
    }
    if (raw) {
      pages.keepOfRound(run.vpid(), range, payload);
    } else {
      pages.keepZeroOfRound(run.vpid(), range);
    }
  }

  /**
   * Refuses bytes that are not what was sent.
   *
   * @throws LongshoreException BAD_CHECKSUM
   */
  static void checkSum(ByteBuffer data, int expected) {
    checkSum(data, expected, new CRC32C());
  }

  private static void checkSum(ByteBuffer data, int expected, CRC32C checksum) {
    checksum.reset();
    checksum.update(data.duplicate());
    if ((int) checksum.getValue() != expected) {
      throw new LongshoreException(
          Reason.BAD_CHECKSUM,
          "%d bytes have the CRC32C %08x, not %08x"
              .formatted(data.remaining(), checksum.getValue(), expected));
    }
  }

  /**
   * Refuses more than the protocol allows.
   *
   * @throws LongshoreException MALFORMED_STREAM
   */
  static void checkLength(String what, int length, int most) {
    if (length > most) {
      throw malformed("%s has %d bytes, more than %d".formatted(what, length, most));
    }
  }

  static LongshoreException malformed(String what) {
    return new LongshoreException(Reason.MALFORMED_STREAM, what);
  }
}
