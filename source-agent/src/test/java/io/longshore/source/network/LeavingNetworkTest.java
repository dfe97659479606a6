package io.longshore.source.network;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.linux.network.NamespaceLock;
import io.longshore.linux.network.NetworkNamespace;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A container and its client, each in a namespace of its own, on the two ends of a cable. */
@Timeout(60)
final class LeavingNetworkTest {
  private static final String ADDRESS = "10.87.0.5";
  private static final int PORT = 7000;

  /** Less than TCP takes to send anything again. */
  private static final int SHORT_MILLIS = 150;

  private final String suffix = Long.toString(System.nanoTime() & 0xffffff, 36);
  private final String containerName = "ls-ct-" + suffix;
  private final String clientName = "ls-cl-" + suffix;
  private final String migration = "leaving-" + suffix;
  private final List<byte[]> sentOn = new CopyOnWriteArrayList<>();
  private Process container;
  private NetworkNamespace client;
  private LeavingNetwork leaving;

  @BeforeEach
  void makeContainer() throws Exception {
    run("ip", "netns", "add", containerName);
    run("ip", "netns", "add", clientName);
    run(
        "ip",
        "link",
        "add",
        "eth0",
        "netns",
        containerName,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        clientName);
    for (String name : List.of(containerName, clientName)) {
      String address = name.equals(clientName) ? "10.87.0.9/24" : ADDRESS + "/24";
      run("ip", "-n", name, "address", "add", address, "dev", "eth0");
      run("ip", "-n", name, "link", "set", "lo", "up");
      run("ip", "-n", name, "link", "set", "eth0", "up");
    }
    container =
        new ProcessBuilder("nsenter", "--net=/run/netns/" + containerName, "sleep", "120").start();
    client = NetworkNamespace.at(new File("/run/netns/" + clientName).toPath());
    try (NetworkNamespace expected = inside()) {
      await()
          .atMost(Duration.ofSeconds(10))
          .until(
              () -> {
                try (NetworkNamespace found = NetworkNamespace.ofProcess((int) container.pid())) {
                  return found.identity().equals(expected.identity());
                }
              });
    }
    leaving = LeavingNetwork.of(migration, (int) container.pid());
  }

  @AfterEach
  void removeContainer() throws Exception {
    leaving.close();
    client.close();
    container.destroyForcibly().waitFor();
    run("ip", "netns", "delete", containerName);
    run("ip", "netns", "delete", clientName);
  }

  @Test
  void aRollbackDeliversWhatWasHeldAndLeavesNothing() throws Exception {
    try (ServerSocket server = listen();
        Socket caller = connect();
        Socket accepted = server.accept()) {
      caller.getOutputStream().write("one".getBytes(US_ASCII));
      assertThat(read(accepted, 3)).isEqualTo("one");
      leaving.prepare();
      leaving.hold(sentOn::add);
      leaving.hold(sentOn::add);
      caller.getOutputStream().write("two".getBytes(US_ASCII));
      assertThat(reads(accepted)).isFalse();
      leaving.seal();
      assertThat(sentOn).isEmpty();
      leaving.sendOn();
      await().until(() -> sentOn.stream().anyMatch(packet -> carries(packet, "two")));
      // Without a cable only what was held can arrive, no retransmission.
      run("ip", "-n", clientName, "link", "set", "eth0", "down");
      leaving.rollBack();
      assertThat(read(accepted, 3)).isEqualTo("two");
      run("ip", "-n", clientName, "link", "set", "eth0", "up");
      leaving.rollBack();
      accepted.getOutputStream().write("three".getBytes(US_ASCII));
      assertThat(read(caller, 5)).isEqualTo("three");
      assertThat(run("ip", "netns", "exec", containerName, "nft", "list", "tables")).isEmpty();
    }
  }

  @Test
  void aReleaseLeavesNeitherDeviceNorAddressNorLock() throws Exception {
    try (ServerSocket server = listen();
        Socket caller = connect();
        Socket accepted = server.accept()) {
      leaving.prepare();
      leaving.hold(sentOn::add);
      leaving.seal();
      leaving.release();
      leaving.release();
      assertThat(run("ip", "-br", "-n", containerName, "link").lines()).hasSize(1);
      assertThat(run("ip", "-br", "-n", clientName, "link").lines()).hasSize(1);
      assertThat(run("ip", "netns", "exec", containerName, "nft", "list", "tables")).isEmpty();
      assertThat(accepted.isConnected()).isTrue();
      assertThat(caller.isConnected()).isTrue();
    }
  }

  @Test
  void anAgentThatComesLaterOpensWhatAnEarlierOneClosed() throws Exception {
    leaving.prepare();
    leaving.hold(sentOn::add);
    leaving.seal();
    leaving.close();
    assertThat(NamespaceLock.find()).containsKey(migration);
    leaving = LeavingNetwork.of(migration, (int) container.pid());
    leaving.rollBack();
    assertThat(NamespaceLock.find()).doesNotContainKey(migration);
    try (ServerSocket server = listen();
        Socket caller = connect();
        Socket accepted = server.accept()) {
      caller.getOutputStream().write("one".getBytes(US_ASCII));
      assertThat(read(accepted, 3)).isEqualTo("one");
    }
  }

  @Test
  void refusesAProcessInTheHostsOwnNetwork() {
    assertThatThrownBy(
            () -> LeavingNetwork.of(migration, (int) ProcessHandle.current().pid()).close())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is in the host's network namespace");
  }

  private NetworkNamespace inside() throws IOException {
    return NetworkNamespace.at(new File("/run/netns/" + containerName).toPath());
  }

  private ServerSocket listen() throws IOException {
    try (NetworkNamespace namespace = inside()) {
      return namespace.call(() -> new ServerSocket(PORT, 10, InetAddress.ofLiteral(ADDRESS)));
    }
  }

  private Socket connect() throws IOException {
    return client.call(
        () -> {
          Socket socket = new Socket();
          socket.connect(new InetSocketAddress(InetAddress.ofLiteral(ADDRESS), PORT), 10_000);
          return socket;
        });
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

  private static String run(String... command) throws Exception {
    List<String> words = new ArrayList<>(List.of(command));
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), US_ASCII);
    assertThat(process.waitFor()).as("%s: %s", words, text).isZero();
    return text;
  }
}
