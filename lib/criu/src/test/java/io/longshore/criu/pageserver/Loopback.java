package io.longshore.criu.pageserver;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Plays recorded bytes to a peer over a real socket and keeps what the peer says. */
final class Loopback {

  private Loopback() {}

  /**
   * Connects to a port, says {@code bytes}, then ends its side; completes with all that was
   * answered.
   */
  static CompletableFuture<byte[]> say(int port, byte[] bytes) {
    return inBackground(
        () -> {
          try (Socket socket = connect(port)) {
            socket.getOutputStream().write(bytes);
            socket.shutdownOutput();
            return socket.getInputStream().readAllBytes();
          }
        });
  }

  /**
   * Accepts one connection, says {@code bytes} at once; completes with the first {@code count}
   * bytes it was told.
   */
  static CompletableFuture<byte[]> answer(ServerSocket listener, byte[] bytes, int count) {
    return inBackground(
        () -> {
          try (listener;
              Socket socket = listener.accept()) {
            socket.getOutputStream().write(bytes);
            byte[] told = new byte[count];
            new DataInputStream(socket.getInputStream()).readFully(told);
            return told;
          }
        });
  }

  static ServerSocket listen() throws IOException {
    return new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
  }

  static Socket connect(int port) throws IOException {
    return new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
  }

  private interface Exchange {
    byte[] run() throws IOException;
  }

  private static CompletableFuture<byte[]> inBackground(Exchange exchange) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return exchange.run();
          } catch (IOException failure) {
            throw new CompletionException(failure);
          }
        },
        Thread::startVirtualThread);
  }
}
