package io.longshore.criu.golden;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Stands between CRIU and its peer for one connection and keeps what each says. */
final class RecordingRelay {

  private final ServerSocket listener;
  private final int port;
  private final ByteArrayOutputStream fromClient = new ByteArrayOutputStream();
  private final ByteArrayOutputStream fromServer = new ByteArrayOutputStream();
  private final Thread thread;

  /** Relays to a port of 127.0.0.1. */
  RecordingRelay(int port) throws IOException {
    this.listener = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
    this.port = port;
    this.thread = Thread.ofPlatform().daemon().start(this::relay);
  }

  int port() {
    return listener.getLocalPort();
  }

  byte[] fromClient() throws InterruptedException {
    thread.join();
    return fromClient.toByteArray();
  }

  byte[] fromServer() throws InterruptedException {
    thread.join();
    return fromServer.toByteArray();
  }

  private void relay() {
    try (listener;
        Socket client = listener.accept();
        Socket server = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      Thread back = Thread.ofPlatform().daemon().start(() -> pump(server, client, fromServer));
      pump(client, server, fromClient);
      back.join();
    } catch (IOException | InterruptedException failure) {
      throw new IllegalStateException("the relay failed", failure);
    }
  }

  private static void pump(Socket from, Socket to, ByteArrayOutputStream record) {
    byte[] bytes = new byte[1 << 16];
    try {
      for (int n = from.getInputStream().read(bytes);
          n >= 0;
          n = from.getInputStream().read(bytes)) {
        record.write(bytes, 0, n);
        to.getOutputStream().write(bytes, 0, n);
      }
      to.shutdownOutput();
    } catch (IOException _) {
      // The other side is gone; what was said so far is what counts.
    }
  }
}
