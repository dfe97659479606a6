package io.longshore.target.network;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.linux.network.ContainerNetwork;
import io.longshore.linux.network.DeviceAddress;
import io.longshore.linux.network.NetworkDevice;
import io.longshore.linux.network.NetworkNamespace;
import io.longshore.linux.network.PreparedNamespace;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.File;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * On a bridge of this machine that leads to a client in a namespace of its own and nowhere else.
 */
@Timeout(60)
final class ComingNetworkTest {
  private static final String ADDRESS = "10.89.0.5";
  private static final int PORT = 7000;

  /** Device names are short. */
  private final String suffix = Long.toString(System.nanoTime() & 0xfffff, 36);

  private final String migration = "coming-" + suffix;
  private final String bridge = "lsbr" + suffix;
  private final String clientName = "ls-client-" + suffix;
  private final ContainerNetwork network =
      new ContainerNetwork(
          List.of(
              new NetworkDevice(
                  "lo",
                  "",
                  65_536,
                  true,
                  "",
                  List.of(address("127.0.0.1", 8, "host", "lo"), address("::1", 128, "host", ""))),
              new NetworkDevice(
                  "eth0",
                  "02:00:0a:59:00:05",
                  1500,
                  true,
                  bridge,
                  List.of(address(ADDRESS, 24, "global", "eth0")))),
          List.of(),
          new TreeMap<>());
  private final ComingNetwork coming = ComingNetwork.of(migration, network);
  private NetworkNamespace client;

  @BeforeEach
  void makeBridge() throws Exception {
    ip("netns add " + clientName);
    client = NetworkNamespace.at(new File("/run/netns/" + clientName).toPath());
    ip("link add %s address 02:00:00:00:00:09 type bridge".formatted(bridge));
    // Addresses of its own it needs none.
    ip("link set %s addrgenmode none".formatted(bridge));
    ip("link set %s up".formatted(bridge));
    ip("link add lsc%s type veth peer name eth0 netns %s".formatted(suffix, clientName));
    ip("link set lsc%s addrgenmode none master %s up".formatted(suffix, bridge));
    ip("-n %s address add 10.89.0.9/24 dev eth0".formatted(clientName));
    ip("-n %s link set eth0 up".formatted(clientName));
  }

  @AfterEach
  void removeBridge() throws Exception {
    PreparedNamespace.remove(migration);
    client.close();
    ip("link delete " + bridge);
    ip("netns delete " + clientName);
  }

  @Test
  void isSilentUntilTheContainerRunsAndThenDeliversWhatWasHeld() throws Exception {
    prepare();
    prepare();
    try (NetworkNamespace namespace = NetworkNamespace.at(coming.namespace());
        DatagramSocket service = open(namespace);
        DatagramSocket caller = client.call(DatagramSocket::new)) {
      // Without asking, or it would be kept at the client until it is answered.
      ip("-n %s neigh replace %s lladdr 02:00:0a:59:00:05 dev eth0".formatted(clientName, ADDRESS));
      send(caller, "early");
      assertThat(receive(service)).isEmpty();
      coming.letOut();
      service.send(new DatagramPacket(new byte[1], 1, InetAddress.ofLiteral("10.89.0.9"), PORT));
      send(caller, "held");
      assertThat(receive(service)).isEmpty();
      coming.resume();
      // What was for the source before the freeze is not delivered here.
      assertThat(receive(service)).isEqualTo("held");
      coming.hold(packet(caller.getLocalPort(), "forwarded"));
      assertThat(receive(service)).isEqualTo("forwarded");
      send(caller, "after");
      assertThat(receive(service)).isEqualTo("after");
    }
  }

  @Test
  void isSilentAgainIfTheContainerDoesNotRunAfterAll() throws Exception {
    prepare();
    try (NetworkNamespace namespace = NetworkNamespace.at(coming.namespace());
        DatagramSocket service = open(namespace)) {
      coming.letOut();
      coming.silence();
      assertThatThrownBy(
              () ->
                  service.send(
                      new DatagramPacket(new byte[1], 1, InetAddress.ofLiteral("10.89.0.9"), PORT)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("not permitted");
    }
    coming.withdraw();
    coming.withdraw();
    assertNothingIsLeft();
  }

  @Test
  void theNamespaceIsTheContainersWhenTheMigrationIsOver() throws Exception {
    prepare();
    Process container =
        new ProcessBuilder("nsenter", "--net=" + coming.namespace(), "sleep", "60").start();
    try (NetworkNamespace namespace = NetworkNamespace.at(coming.namespace())) {
      await().atMost(Duration.ofSeconds(10)).until(this::isInhabited);
      coming.letOut();
      coming.resume();
      coming.close();
      coming.close();
      assertThat(PreparedNamespace.file(migration)).doesNotExist();
      try (DatagramSocket service = open(namespace);
          DatagramSocket caller = client.call(DatagramSocket::new)) {
        send(caller, "on");
        assertThat(receive(service)).isEqualTo("on");
      }
    } finally {
      container.destroyForcibly().waitFor();
    }
    // With its last process and descriptor.
    await().atMost(Duration.ofSeconds(10)).untilAsserted(this::assertNothingIsLeft);
  }

  @Test
  void anAgentThatComesLaterGoesOnOrRemovesIt() throws Exception {
    prepare();
    try (NetworkNamespace namespace = NetworkNamespace.at(coming.namespace());
        DatagramSocket service = open(namespace);
        DatagramSocket caller = client.call(DatagramSocket::new)) {
      ComingNetwork later = ComingNetwork.takeUp(migration);
      later.letOut();
      later.resume();
      send(caller, "later");
      assertThat(receive(service)).isEqualTo("later");
    }
    ComingNetwork.takeUp(migration).withdraw();
    assertNothingIsLeft();
    ComingNetwork none = ComingNetwork.takeUp(migration);
    none.letOut();
    none.resume();
    none.close();
    none.withdraw();
  }

  @Test
  void refusesAHostWithoutTheBridge() throws Exception {
    ComingNetwork elsewhere =
        ComingNetwork.of(migration, network.onBridges(java.util.Map.of(bridge, "nobr" + suffix)));
    assertThatThrownBy(() -> elsewhere.prepare(addresses -> {}))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.NETWORK_NOT_AVAILABLE))
        .hasMessageContaining("there is no bridge nobr" + suffix);
    assertNothingIsLeft();
  }

  /** A process that makes one and is killed, as an agent may be. */
  public static final class Killed {
    private Killed() {}

    public static void main(String[] arguments) throws Exception {
      ComingNetworkTest test = new ComingNetworkTest();
      PreparedNamespace.make(
          arguments[0], test.network.onBridges(java.util.Map.of(test.bridge, arguments[1])));
      System.out.println("made");
      Thread.sleep(Duration.ofMinutes(1));
    }
  }

  @Test
  void whatAKilledAgentMadeIsFoundAndRemoved() throws Exception {
    Process agent =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Killed.class.getName(),
                migration,
                bridge)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertThat(agent.inputReader().readLine()).isEqualTo("made");
    agent.destroyForcibly().waitFor();
    assertThat(PreparedNamespace.migrations()).contains(migration);
    ComingNetwork.takeUp(migration).withdraw();
    assertNothingIsLeft();
  }

  private void prepare() throws IOException {
    coming.prepare(addresses -> {});
  }

  private boolean isInhabited() throws IOException {
    try (PreparedNamespace prepared = PreparedNamespace.find(migration).orElseThrow()) {
      return prepared.isInhabited();
    }
  }

  private void assertNothingIsLeft() throws Exception {
    assertThat(PreparedNamespace.file(migration)).doesNotExist();
    assertThat(ip("-br link show master " + bridge).lines()).hasSize(1);
  }

  private static DeviceAddress address(String address, int prefix, String scope, String label) {
    return new DeviceAddress(
        address,
        prefix,
        "",
        "",
        scope,
        label,
        DeviceAddress.FOREVER,
        DeviceAddress.FOREVER,
        Set.of());
  }

  private static DatagramSocket open(NetworkNamespace namespace) throws IOException {
    return namespace.call(
        () -> new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral(ADDRESS), PORT)));
  }

  private static void send(DatagramSocket from, String text) throws IOException {
    byte[] bytes = text.getBytes(US_ASCII);
    from.send(new DatagramPacket(bytes, bytes.length, InetAddress.ofLiteral(ADDRESS), PORT));
  }

  private static String receive(DatagramSocket socket) throws IOException {
    DatagramPacket packet = new DatagramPacket(new byte[100], 100);
    socket.setSoTimeout(400);
    try {
      socket.receive(packet);
      return new String(packet.getData(), 0, packet.getLength(), US_ASCII);
    } catch (SocketTimeoutException e) {
      return "";
    }
  }

  /** As the source would have held it; its checksums are made right when it is delivered. */
  private static byte[] packet(int port, String text) {
    return java.nio.ByteBuffer.allocate(28 + text.length())
        .putInt(0x4500_0000 | (28 + text.length()))
        .putInt(0)
        .putInt(0x4011_0000)
        .put(InetAddress.ofLiteral("10.89.0.9").getAddress())
        .put(InetAddress.ofLiteral(ADDRESS).getAddress())
        .putShort((short) port)
        .putShort((short) PORT)
        .putShort((short) (8 + text.length()))
        .putShort((short) 0)
        .put(text.getBytes(US_ASCII))
        .array();
  }

  private static String ip(String arguments) throws Exception {
    File output = Files.createTempFile("longshore", "ip").toFile();
    try {
      List<String> command = new java.util.ArrayList<>(List.of("ip"));
      command.addAll(List.of(arguments.split(" ", -1)));
      int ended =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output)
              .start()
              .waitFor();
      String text = Files.readString(output.toPath());
      assertThat(ended).as(text).isZero();
      return text;
    } finally {
      Files.delete(output.toPath());
    }
  }
}
