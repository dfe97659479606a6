package io.longshore.source.rpc;

import io.grpc.MethodDescriptor;
import io.longshore.source.pages.PageBatch;
import io.longshore.transfer.v1.PageEncoding;
import io.longshore.transfer.v1.SendPagesRequest;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Writes page messages as protobuf does, byte for byte, but for the pages themselves, which go
 * straight from the buffer that they were read into to the network's.
 *
 * <p>Not thread-safe, and a message must be written out before the next one: each stream has a
 * marshaller of its own.
 */
final class PageRequestMarshaller implements MethodDescriptor.Marshaller<PageRequest> {
  private static final int BATCH = tag(SendPagesRequest.BATCH_FIELD_NUMBER, 2);
  private static final int RUN = tag(io.longshore.transfer.v1.PageBatch.RUNS_FIELD_NUMBER, 2);
  private static final int CRC = tag(io.longshore.transfer.v1.PageBatch.CRC32C_FIELD_NUMBER, 5);
  private static final int PAYLOAD =
      tag(io.longshore.transfer.v1.PageBatch.PAYLOAD_FIELD_NUMBER, 2);
  private static final int ROUND = tag(io.longshore.transfer.v1.PageBatch.ROUND_FIELD_NUMBER, 0);
  private static final int VPID = tag(io.longshore.transfer.v1.PageRun.VPID_FIELD_NUMBER, 0);
  private static final int FIRST = tag(io.longshore.transfer.v1.PageRun.FIRST_PAGE_FIELD_NUMBER, 0);
  private static final int COUNT = tag(io.longshore.transfer.v1.PageRun.COUNT_FIELD_NUMBER, 0);
  private static final int ENCODING =
      tag(io.longshore.transfer.v1.PageRun.ENCODING_FIELD_NUMBER, 0);

  /** A run's tag and length, and four numbers with theirs; so its length takes one byte. */
  private static final int RUN_BYTES = 2 + 4 * 11;

  /**
   * Before the runs: tag and length of the batch. Behind them: whether it is of a round, its
   * checksum, and its payload's.
   */
  private static final int PREFIX_BYTES = 6;

  private static final int SUFFIX_BYTES = 2 + 5 + 6;

  private static final ByteBuffer NO_PAGES = ByteBuffer.allocate(0);

  /** As much as stays in the processor's fast cache. */
  private final byte[] piece = new byte[64 << 10];

  private byte[] header = new byte[1024];
  private int end;

  private PageRequestMarshaller() {}

  /** A method whose requests are written by a marshaller of their own. */
  static <R> MethodDescriptor<PageRequest, R> method(MethodDescriptor<?, R> generated) {
    return generated.toBuilder(new PageRequestMarshaller(), generated.getResponseMarshaller())
        .build();
  }

  @Override
  public InputStream stream(PageRequest request) {
    return switch (request) {
      case PageRequest.Open(var open) -> {
        byte[] bytes = SendPagesRequest.newBuilder().setOpen(open).build().toByteArray();
        yield new PageRequestStream(bytes, 0, bytes.length, NO_PAGES, piece);
      }
      case PageRequest.Pages(var batch) -> stream(batch);
    };
  }

  @Override
  public PageRequest parse(InputStream stream) {
    throw new UnsupportedOperationException("a source receives no page requests");
  }

  private InputStream stream(PageBatch batch) {
    List<PageBatch.Run> runs = batch.runs();
    int most = PREFIX_BYTES + runs.size() * RUN_BYTES + SUFFIX_BYTES;
    if (header.length < most) {
      header = new byte[most];
    }
    end = PREFIX_BYTES;
    for (int i = 0; i < runs.size(); i++) {
      run(runs.get(i));
    }
    if (batch.round()) {
      header[end++] = (byte) ROUND;
      header[end++] = 1;
    }
    if (batch.crc32c() != 0) {
      header[end++] = (byte) CRC;
      fixed32(batch.crc32c());
    }
    int payload = batch.payload().limit();
    if (payload != 0) {
      header[end++] = (byte) PAYLOAD;
      varint(payload);
    }
    // Its length is known only now, and stands before it.
    int headerEnd = end;
    int length = headerEnd - PREFIX_BYTES + payload;
    int start = PREFIX_BYTES - 1 - varintBytes(length);
    end = start;
    header[end++] = (byte) BATCH;
    varint(length);
    return new PageRequestStream(header, start, headerEnd, batch.payload(), piece);
  }

  private void run(PageBatch.Run run) {
    header[end++] = (byte) RUN;
    int lengthAt = end++;
    number(VPID, run.range().vpid());
    number(FIRST, run.range().firstPage());
    number(COUNT, run.range().count());
    number(
        ENCODING,
        run.zero() ? PageEncoding.PAGE_ENCODING_ZERO_VALUE : PageEncoding.PAGE_ENCODING_RAW_VALUE);
    header[lengthAt] = (byte) (end - lengthAt - 1);
  }

  private void number(int tag, long value) {
    if (value != 0) {
      header[end++] = (byte) tag;
      varint(value);
    }
  }

  private void varint(long value) {
    long left = value;
    while ((left & ~0x7fL) != 0) {
      header[end++] = (byte) (left | 0x80);
      left >>>= 7;
    }
    header[end++] = (byte) left;
  }

  private static int varintBytes(int value) {
    int bytes = 1;
    for (int left = value >>> 7; left != 0; left >>>= 7) {
      bytes++;
    }
    return bytes;
  }

  private void fixed32(int value) {
    for (int shift = 0; shift < 32; shift += 8) {
      header[end++] = (byte) (value >>> shift);
    }
  }

  private static int tag(int field, int wireType) {
    return field << 3 | wireType;
  }
}
