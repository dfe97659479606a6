package io.longshore.criu.rpc;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A connection over which one side gives orders of a line, and each is answered with a line, both
 * of at most 255 bytes. Not thread-safe.
 */
final class OrderSocket implements AutoCloseable {
  private static final int LONGEST = 512;

  private final SocketChannel channel;
  private final Selector selector;
  private final ByteBuffer heard = ByteBuffer.allocate(LONGEST);

  private OrderSocket(SocketChannel channel, Selector selector) {
    this.channel = channel;
    this.selector = selector;
  }

  /**
   * Connects.
   *
   * @throws IOException if nobody listens there
   */
  static OrderSocket connect(Path path) throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
    try {
      channel.configureBlocking(false);
      Selector selector = Selector.open();
      channel.register(selector, SelectionKey.OP_READ);
      return new OrderSocket(channel, selector);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * Gives an order.
   *
   * @return the answer
   * @throws EOFException if the other side is gone
   * @throws IOException also if there is no answer in time: then this cannot be used any more
   */
  String ask(String order, Duration limit) throws IOException {
    ByteBuffer line = ByteBuffer.wrap((order + "\n").getBytes(StandardCharsets.UTF_8));
    try {
      channel.write(line);
    } catch (IOException e) {
      // It may have said something before it went.
    }
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      int length = endOfLine();
      if (length >= 0) {
        return take(length);
      }
      long left = end - System.nanoTime();
      if (left <= 0) {
        throw new IOException("there was no answer to \"%s\" within %s".formatted(order, limit));
      }
      selector.select(Math.max(1, left / 1_000_000));
      selector.selectedKeys().clear();
      if (read() < 0) {
        throw new EOFException("the other side is gone; it was told \"" + order + "\"");
      }
    }
  }

  private int read() throws IOException {
    if (!heard.hasRemaining()) {
      throw new IOException("an answer is longer than " + LONGEST + " bytes");
    }
    try {
      return channel.read(heard);
    } catch (IOException e) {
      return -1;
    }
  }

  private int endOfLine() {
    for (int i = 0; i < heard.position(); i++) {
      if (heard.get(i) == '\n') {
        return i;
      }
    }
    return -1;
  }

  private String take(int length) {
    heard.flip();
    byte[] line = new byte[length];
    heard.get(line).get();
    heard.compact();
    return new String(line, StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    selector.close();
    channel.close();
  }
}
