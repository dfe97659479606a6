package io.longshore.criu.pageserver;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Optional;

/** Headers and bytes over a blocking socket. One thread may read while another writes. */
final class HeaderStream {

  private final SocketChannel channel;
  private final HeaderLayout layout;
  private final ByteBuffer incoming;
  private final ByteBuffer outgoing;

  HeaderStream(SocketChannel channel, HeaderLayout layout) {
    this.channel = channel;
    this.layout = layout;
    this.incoming = ByteBuffer.allocateDirect(layout.bytes());
    this.outgoing = ByteBuffer.allocateDirect(layout.bytes());
  }

  /** The next header, or empty if the peer ended the connection before it. */
  Optional<PageServerHeader> read() throws IOException {
    incoming.clear();
    while (incoming.hasRemaining()) {
      if (channel.read(incoming) < 0) {
        if (incoming.position() == 0) {
          return Optional.empty();
        }
        throw new EOFException(
            "the connection ended after %d of the %d bytes of a header"
                .formatted(incoming.position(), layout.bytes()));
      }
    }
    return Optional.of(PageServerHeader.decode(layout, incoming.flip()));
  }

  /** Fills {@code target}. */
  void readFully(ByteBuffer target) throws IOException {
    while (target.hasRemaining()) {
      if (channel.read(target) < 0) {
        throw new EOFException(
            "the connection ended " + target.remaining() + " bytes before the end of a message");
      }
    }
  }

  /**
   * Writes a header and everything that remains in {@code payload} with as few calls as the socket
   * allows.
   */
  void write(PageServerHeader header, ByteBuffer... payload) throws IOException {
    outgoing.clear();
    header.encode(layout, outgoing);
    outgoing.flip();
    ByteBuffer[] message = new ByteBuffer[payload.length + 1];
    message[0] = outgoing;
    System.arraycopy(payload, 0, message, 1, payload.length);
    int first = 0;
    while (first < message.length) {
      channel.write(message, first, message.length - first);
      while (first < message.length && !message[first].hasRemaining()) {
        first++;
      }
    }
  }

  /** Writes bytes that are no header. */
  void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
