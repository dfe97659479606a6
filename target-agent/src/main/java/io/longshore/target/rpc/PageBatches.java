package io.longshore.target.rpc;

import com.google.protobuf.ByteString;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.PageNotAnnouncedException;
import io.longshore.target.pages.PageStore;
import io.longshore.target.pages.PageStoreFullException;
import io.longshore.transfer.v1.PageBatch;
import io.longshore.transfer.v1.PageEncoding;
import io.longshore.transfer.v1.PageRun;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Checks batches of pages and stores them. */
final class PageBatches {
  private static final int PAGE_BYTES = 4096;
  private static final int PAYLOAD_BYTES = 1 << 20;

  private PageBatches() {}

  /** Uncompressed bytes of all pages of a batch. */
  static long bytes(PageBatch batch) {
    long pages = 0;
    for (PageRun run : batch.getRunsList()) {
      if (run.getCount() < 1) {
        throw malformed("a run of " + run.getCount() + " pages");
      }
      pages += run.getCount();
    }
    return pages * PAGE_BYTES;
  }

  /**
   * Stores a batch, or nothing of it.
   *
   * @throws LongshoreException MALFORMED_STREAM, BAD_CHECKSUM, PAGE_NOT_ANNOUNCED or OUT_OF_MEMORY
   */
  static void store(PageBatch batch, PageStore pages, CRC32C checksum) {
    checkLength("the payload of a batch", batch.getPayload(), PAYLOAD_BYTES);
    ByteBuffer payload = batch.getPayload().asReadOnlyByteBuffer();
    long rawPages = 0;
    try {
      for (PageRun run : batch.getRunsList()) {
        switch (run.getEncoding()) {
          case PAGE_ENCODING_RAW -> rawPages += run.getCount();
          case PAGE_ENCODING_ZERO -> {}
          case PAGE_ENCODING_UNSPECIFIED, UNRECOGNIZED ->
              throw malformed("pages of an unknown encoding");
        }
        pages.check(run.getVpid(), run.getFirstPage(), run.getCount());
      }
      if (payload.remaining() != rawPages * PAGE_BYTES) {
        throw malformed(
            "%d pages with content in %d bytes".formatted(rawPages, payload.remaining()));
      }
      checkSum(payload, batch.getCrc32C(), checksum);
      for (PageRun run : batch.getRunsList()) {
        if (run.getEncoding() == PageEncoding.PAGE_ENCODING_RAW) {
          pages.store(run.getVpid(), run.getFirstPage(), run.getCount(), payload);
        } else {
          pages.storeZero(run.getVpid(), run.getFirstPage(), run.getCount());
        }
      }
    } catch (PageNotAnnouncedException e) {
      throw new LongshoreException(Reason.PAGE_NOT_ANNOUNCED, String.valueOf(e.getMessage()), e);
    } catch (PageStoreFullException e) {
      throw new LongshoreException(Reason.OUT_OF_MEMORY, String.valueOf(e.getMessage()), e);
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
  static void checkLength(String what, ByteString data, int most) {
    if (data.size() > most) {
      throw malformed("%s has %d bytes, more than %d".formatted(what, data.size(), most));
    }
  }

  private static LongshoreException malformed(String what) {
    return new LongshoreException(Reason.MALFORMED_STREAM, what);
  }
}
