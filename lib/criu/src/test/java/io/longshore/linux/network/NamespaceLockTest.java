package io.longshore.linux.network;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With real connections between namespaces. */
@Timeout(60)
class NamespaceLockTest {
  private static final int PORT = 7000;

  /** Less than TCP takes to send anything again. */
  private static final int SHORT_MILLIS = 150;

  private final List<byte[]> seenByClient = new CopyOnWriteArrayList<>();
  private final List<byte[]> held = new CopyOnWriteArrayList<>();
  private TestHosts hosts;
  private NamespaceLock lock;
  private NamespaceHold capture;

  @BeforeEach
  void makeHosts() throws IOException {
    hosts = new TestHosts();
    lock = new NamespaceLock(hosts.container, hosts.migration());
    capture = NamespaceHold.begin(hosts.client, seenByClient::add);
    capture.flow();
  }

  @AfterEach
  void removeHosts() throws IOException {
    capture.close();
    hosts.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {TestHosts.ADDRESS, TestHosts.IPV6})
  void whatArrivesWhileHeldIsDeliveredWithoutARetransmission(String address) throws Exception {
    try (ServerSocket server = listen(address);
        Socket client = connect(address);
        Socket accepted = server.accept()) {
      // Before it is timed: neighbours and classes are known.
      client.getOutputStream().write("before".getBytes(US_ASCII));
      assertThat(read(accepted, 6)).isEqualTo("before");
      lock.prepare();
      NamespaceHold hold = NamespaceHold.begin(hosts.container, held::add);
      lock.holdIncoming();
      client.getOutputStream().write("during".getBytes(US_ASCII));
      // Not on a thread that the JVM needs to learn of the ends of processes.
      CompletableFuture<Socket> late =
          CompletableFuture.supplyAsync(
              () -> connectLate(address), task -> Thread.ofPlatform().daemon().start(task));
      assertThat(reads(accepted)).isFalse();
      lock.seal();
      // Without a cable only what was held can arrive, no retransmission.
      TestHosts.ip(hosts.a, "link set to-client nomaster");
      lock.letOut();
      assertThat(reads(accepted)).isFalse();
      lock.open();
      hold.close();
      assertThat(held).anyMatch(packet -> carries(packet, "during"));
      long start = System.nanoTime();
      hosts.container.call(
          () -> {
            try (PacketReplay replay = new PacketReplay()) {
              for (byte[] packet : held) {
                replay.deliver(packet);
              }
            }
            return true;
          });
      assertThat(read(accepted, 6)).isEqualTo("during");
      System.out.printf("delivered within %.1f ms%n", (System.nanoTime() - start) / 1e6);
      TestHosts.ip(hosts.a, "link set to-client master br0");

      accepted.getOutputStream().write("after".getBytes(US_ASCII));
      assertThat(read(client, 5)).isEqualTo("after");
      // Who asked for a connection meanwhile has it, and the listening socket others after it.
      try (Socket second = late.get(20, TimeUnit.SECONDS);
          Socket secondAccepted = server.accept()) {
        second.getOutputStream().write("late".getBytes(US_ASCII));
        assertThat(read(secondAccepted, 4)).isEqualTo("late");
      }
      assertThat(seenByClient).isNotEmpty().noneMatch(NamespaceLockTest::isReset);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {TestHosts.ADDRESS, TestHosts.IPV6})
  void aSealedNamespaceIsSilentWhateverBecomesOfItsSockets(String address) throws Exception {
    try (Socket client = openConnectionThatIsClosedWhileSealed(address)) {
      client.getOutputStream().write("lost".getBytes(US_ASCII));
      assertThat(reads(client)).isFalse();
      await()
          .during(Duration.ofMillis(600))
          .atMost(Duration.ofSeconds(5))
          .until(() -> seenByClient.stream().noneMatch(NamespaceLockTest::isReset));
      // The capture would have seen it.
      lock.release();
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> seenByClient.stream().anyMatch(NamespaceLockTest::isReset));
    }
  }

  private Socket openConnectionThatIsClosedWhileSealed(String address) throws IOException {
    try (ServerSocket server = listen(address)) {
      Socket client = connect(address);
      try (Socket accepted = server.accept()) {
        lock.prepareSealed();
        // Closing it sends a reset.
        accepted.setSoLinger(true, 0);
      }
      return client;
    }
  }

  @Test
  void loopbackGoesOnUntilItIsSealed() throws Exception {
    try (ServerSocket server = listen("127.0.0.1");
        Socket inside =
            hosts.container.call(() -> new Socket(InetAddress.ofLiteral("127.0.0.1"), PORT));
        Socket accepted = server.accept()) {
      lock.prepare();
      lock.holdIncoming();
      inside.getOutputStream().write("held".getBytes(US_ASCII));
      assertThat(read(accepted, 4)).isEqualTo("held");
      lock.seal();
      lock.seal();
      inside.getOutputStream().write("sealed".getBytes(US_ASCII));
      assertThat(reads(accepted)).isFalse();
      lock.open();
      lock.open();
      assertThat(read(accepted, 6)).isEqualTo("sealed");
    }
  }

  @Test
  void closingAndOpeningIsQuickAndNothingIsLeft() throws Exception {
    lock.prepare();
    for (int i = 0; i < 5; i++) {
      long start = System.nanoTime();
      lock.holdIncoming();
      long heldAt = System.nanoTime();
      lock.seal();
      long sealed = System.nanoTime();
      lock.letOut();
      lock.open();
      System.out.printf(
          "held within %.2f ms, sealed within %.2f ms, let out and opened within %.2f ms%n",
          (heldAt - start) / 1e6, (sealed - heldAt) / 1e6, (System.nanoTime() - sealed) / 1e6);
    }
    lock.release();
    lock.release();
    assertThat(TestHosts.run(hosts.container, "", "nft", "list", "tables")).isEmpty();
    assertThatThrownBy(lock::seal)
        .isInstanceOf(IOException.class)
        .hasMessageContaining(hosts.migration());
  }

  @Test
  void neighboursAreToldWhereTheAddressesAre() throws Exception {
    for (String address : List.of(TestHosts.ADDRESS, TestHosts.IPV6)) {
      TestHosts.ip(
          hosts.client,
          "neigh replace %s lladdr 02:00:00:00:00:77 dev eth0 nud stale".formatted(address));
    }
    hosts.container.call(
        () -> {
          Announcement.send();
          return true;
        });
    for (String address : List.of(TestHosts.ADDRESS, TestHosts.IPV6)) {
      await()
          .atMost(Duration.ofSeconds(5))
          .until(
              () ->
                  TestHosts.run(hosts.client, "", "ip", "neigh", "show", address)
                      .contains(TestHosts.HARDWARE));
    }
  }

  private ServerSocket listen(String address) throws IOException {
    return hosts.container.call(
        () -> {
          ServerSocket server = new ServerSocket();
          server.setReuseAddress(true);
          server.bind(new InetSocketAddress(InetAddress.ofLiteral(address), PORT));
          server.setSoTimeout(20_000);
          return server;
        });
  }

  private Socket connect(String address) throws IOException {
    return hosts.client.call(
        () -> {
          Socket socket = new Socket();
          socket.connect(new InetSocketAddress(InetAddress.ofLiteral(address), PORT), 20_000);
          return socket;
        });
  }

  private Socket connectLate(String address) {
    try {
      return connect(address);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static String read(Socket socket, int length) throws IOException {
    socket.setSoTimeout(10_000);
    return new String(socket.getInputStream().readNBytes(length), US_ASCII);
  }

  private static boolean reads(Socket socket) throws IOException {
    socket.setSoTimeout(SHORT_MILLIS);
    try {
      return socket.getInputStream().read() >= 0;
    } catch (SocketTimeoutException e) {
      return false;
    }
  }

  private static boolean carries(byte[] packet, String text) {
    return new String(packet, StandardCharsets.ISO_8859_1).contains(text);
  }

  /** Of TCP, in IPv4 without options or IPv6. */
  static boolean isReset(byte[] packet) {
    boolean ipv6 = packet[0] >> 4 == 6;
    int header = ipv6 ? 40 : 20;
    return packet[ipv6 ? 6 : 9] == 6 && (packet[header + 13] & 4) != 0;
  }
}
