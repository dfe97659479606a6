package io.longshore.source.rpc;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** The bytes of a page message: a header, then pages. */
final class PageRequestStream extends InputStream implements Drainable, KnownLength {
  private final ByteBuffer header;
  private final ByteBuffer payload;
  private final byte[] piece;

  /**
   * @param header of which the message has what lies from start to end
   * @param payload from 0 to its limit; neither its position nor its limit is changed
   * @param piece for the payload's way through the heap, a piece at a time
   */
  PageRequestStream(byte[] header, int start, int end, ByteBuffer payload, byte[] piece) {
    this.header = ByteBuffer.wrap(header, start, end - start);
    this.payload = payload.duplicate().rewind();
    this.piece = piece;
  }

  @Override
  public int available() {
    return header.remaining() + payload.remaining();
  }

  @Override
  public int drainTo(OutputStream target) throws IOException {
    int all = available();
    target.write(header.array(), header.position(), header.remaining());
    header.position(header.limit());
    while (payload.hasRemaining()) {
      int length = Math.min(piece.length, payload.remaining());
      payload.get(piece, 0, length);
      target.write(piece, 0, length);
    }
    return all;
  }

  @Override
  public int read() {
    if (header.hasRemaining()) {
      return header.get() & 0xff;
    }
    return payload.hasRemaining() ? payload.get() & 0xff : -1;
  }

  @Override
  public int read(byte[] into, int offset, int most) {
    ByteBuffer from = header.hasRemaining() ? header : payload;
    int length = Math.min(most, from.remaining());
    if (length == 0 && most > 0) {
      return -1;
    }
    from.get(into, offset, length);
    return length;
  }
}
