package io.longshore.criu.pageserver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** Listens on 127.0.0.1 for the one connection that a CRIU makes to its page server. */
public final class PageServer implements AutoCloseable {

  private final ServerSocketChannel listener;
  private final HeaderLayout layout;

  private PageServer(ServerSocketChannel listener, HeaderLayout layout) {
    this.listener = listener;
    this.layout = layout;
  }

  /** Listens on a free port of 127.0.0.1. */
  public static PageServer listen(HeaderLayout layout) throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open();
    try {
      listener.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 1);
      return new PageServer(listener, layout);
    } catch (IOException failure) {
      listener.close();
      throw failure;
    }
  }

  /** The port, for {@code --port}. */
  public int port() {
    return listener.socket().getLocalPort();
  }

  /**
   * Waits for {@code criu lazy-pages}, which connects when the restore has handed over its memory.
   * Listens no more afterwards: a second peer is refused. To stop waiting, {@link #close} or
   * interrupt.
   *
   * @throws AsynchronousCloseException if the server was closed meanwhile
   */
  public PageServerConnection accept() throws IOException {
    PageServerConnection connection = new PageServerConnection(acceptOnly(), layout);
    connection.start();
    return connection;
  }

  /**
   * Waits for {@code criu dump --page-server} and receives all its pages. The dump is frozen while
   * it sends: {@code sink} must be quick.
   *
   * @return what was received
   * @throws PageServerProtocolException if CRIU says something that cannot be understood; the dump
   *     then fails and the tree runs on
   */
  public ReceivedPages receiveDump(PageSink sink) throws IOException {
    try (SocketChannel channel = acceptOnly()) {
      return new DumpReceiver(new HeaderStream(channel, layout), channel, sink).receive();
    }
  }

  /** Stops listening; a connection that was accepted stays. */
  @Override
  public void close() throws IOException {
    listener.close();
  }

  private SocketChannel acceptOnly() throws IOException {
    SocketChannel channel = listener.accept();
    try {
      listener.close();
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      return channel;
    } catch (IOException failure) {
      channel.close();
      throw failure;
    }
  }
}
