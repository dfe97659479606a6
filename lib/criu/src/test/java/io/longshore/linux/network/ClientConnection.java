package io.longshore.linux.network;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A TCP connection from the client to the service address, seen from the host that has the address.
 */
final class ClientConnection implements AutoCloseable {
  private static final int PORT = 7000;

  private final Process client;
  private final Writer clientInput;
  private final BufferedReader clientOutput;
  private final Socket socket;

  private ClientConnection(Process client, Socket socket) {
    this.client = client;
    this.clientInput = client.outputWriter(StandardCharsets.UTF_8);
    this.clientOutput = client.inputReader(StandardCharsets.UTF_8);
    this.socket = socket;
  }

  /**
   * Connects; what the client then reads from its standard input it sends, what it receives it
   * prints.
   */
  static ClientConnection open(TestNetwork network) throws IOException {
    try (ServerSocket server = new ServerSocket()) {
      server.setReuseAddress(true);
      server.bind(new InetSocketAddress(TestNetwork.SERVICE.address(), PORT));
      server.setSoTimeout(10_000);
      Process client =
          network.startInClient(
              "exec 3<>/dev/tcp/%s/%d; cat <&3 & cat >&3; kill %%1"
                  .formatted(TestNetwork.SERVICE.address().getHostAddress(), PORT));
      return new ClientConnection(client, server.accept());
    }
  }

  void clientSends(String text) throws IOException {
    clientInput.write(text);
    clientInput.flush();
  }

  String clientReceives() throws IOException {
    return clientOutput.readLine();
  }

  void hostSends(String line) throws IOException {
    socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /** What arrives within the time, up to that many characters. */
  String hostReceives(int characters, Duration limit) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    byte[] bytes = new byte[characters];
    int length = 0;
    try {
      while (length < characters) {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          break;
        }
        socket.setSoTimeout((int) left);
        int read = socket.getInputStream().read(bytes, length, characters - length);
        if (read < 0) {
          throw new IOException("the connection has ended");
        }
        length += read;
      }
    } catch (SocketTimeoutException e) {
      // What came before counts.
    }
    return new String(bytes, 0, length, StandardCharsets.US_ASCII);
  }

  @Override
  public void close() throws IOException {
    // The shell's own children first: without it they would belong to nobody.
    client.descendants().forEach(ProcessHandle::destroyForcibly);
    socket.close();
    clientInput.close();
    client.destroy();
  }
}
