package io.longshore.linux.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class PreparedNamespaceTest {
  private TestHosts hosts;
  private String before;

  @BeforeEach
  void makeHosts() throws IOException {
    hosts = new TestHosts();
    before = TestHosts.traces(hosts.b);
  }

  @AfterEach
  void removeHosts() throws IOException {
    hosts.b.call(
        () -> {
          PreparedNamespace.remove(hosts.migration());
          return true;
        });
    hosts.close();
  }

  @Test
  void hasAllThatTheContainersHasAndIsClosed() throws IOException {
    TestHosts.run(hosts.container, "", "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=80");
    TestHosts.run(hosts.container, "", "sysctl", "-qw", "net.ipv6.conf.eth0.hop_limit=60");
    ContainerNetwork network = read();
    long start = System.nanoTime();
    PreparedNamespace made = hosts.b.call(() -> PreparedNamespace.make(hosts.migration(), network));
    System.out.printf("made within %d ms%n", (System.nanoTime() - start) / 1_000_000);
    try (made) {
      assertThat(hosts.b.call(() -> NamespaceReader.read(made.namespace())).network())
          .isEqualTo(network);
      assertThat(TestHosts.run(made.namespace(), "", "ip", "-6", "address", "show", "tentative"))
          .isEmpty();
      assertThat(PreparedNamespace.migrations()).contains(hosts.migration());
      assertThat(TestHosts.run(hosts.b, "", "ip", "-br", "link", "show", "br0"))
          .contains("02:00:00:00:00:02");
      // Nobody is answered by it: the client's neighbour is still the first host's.
      assertThat(pings(hosts.client, TestHosts.ADDRESS)).isTrue();
      TestHosts.ip(hosts.a, "link set to-container down");
      TestHosts.ip(hosts.client, "neigh flush dev eth0");
      assertThat(pings(hosts.client, TestHosts.ADDRESS)).isFalse();
      assertThat(pings(hosts.client, TestHosts.IPV6)).isFalse();
      assertThat(pings(made.namespace(), "127.0.0.1")).isFalse();
      assertThat(pings(made.namespace(), TestHosts.CLIENT)).isFalse();
      made.lock().letOut();
      assertThat(pings(made.namespace(), "127.0.0.1")).isTrue();
      assertThat(pings(hosts.client, TestHosts.ADDRESS)).isFalse();
      made.lock().open();
      assertThat(pings(hosts.client, TestHosts.ADDRESS)).isTrue();
      assertThat(pings(hosts.client, TestHosts.IPV6)).isTrue();
      assertThat(pings(made.namespace(), TestHosts.CLIENT_IPV6)).isTrue();
    }
  }

  @Test
  void isRemovedWithItsEndsOnTheBridge() throws IOException {
    ContainerNetwork network = read();
    hosts.b.call(
        () -> {
          PreparedNamespace.make(hosts.migration(), network).close();
          // Again: what was there goes first.
          PreparedNamespace.make(hosts.migration(), network).close();
          PreparedNamespace.remove(hosts.migration());
          PreparedNamespace.remove(hosts.migration());
          return true;
        });
    assertNothingIsLeft();
  }

  @Test
  void nothingIsLeftOfOneThatCannotBeMade() throws IOException {
    ContainerNetwork network = read();
    assertThatThrownBy(() -> make(network.onBridges(Map.of("br0", "br9"))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("br9");
    assertNothingIsLeft();
    var settings = new TreeMap<>(network.settings());
    settings.put("ipv4/of_another_kernel", "1");
    assertThatThrownBy(
            () -> make(new ContainerNetwork(network.devices(), network.routes(), settings)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("/proc/sys/net/ipv4/of_another_kernel");
    assertNothingIsLeft();
    var routes =
        List.of(
            new NetworkRoute(
                false, "unicast", "default", "10.1.1.1", "eth0", "", "", "", -1, false));
    assertThatThrownBy(
            () -> make(new ContainerNetwork(network.devices(), routes, network.settings())))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("at: ip route add unicast 0.0.0.0/0 via 10.1.1.1");
    assertNothingIsLeft();
  }

  @Test
  void saysBeforehandWhatTheHostLacks() throws IOException {
    ContainerNetwork network = read();
    assertThat(obstacles(network)).isEmpty();
    assertThat(obstacles(network.onBridges(Map.of("br0", "br9"))))
        .containsExactly("there is no bridge br9");
    assertThat(obstacles(network.onBridges(Map.of("br0", "cable"))))
        .containsExactly("cable is no bridge");
    TestHosts.ip(hosts.b, "link set br0 down");
    assertThat(obstacles(network)).containsExactly("the bridge br0 is down");
    assertThat(TestHosts.traces(hosts.b)).isEqualTo(before);
  }

  @Test
  void isLeftToTheProcessesInItAndElseRemoved() throws Exception {
    make(read());
    Process inhabitant =
        new ProcessBuilder(
                "nsenter", "--net=/run/netns/longshore-" + hosts.migration(), "sleep", "60")
            .start();
    try {
      org.awaitility.Awaitility.await().until(this::isInhabited);
      settle();
      assertThat(PreparedNamespace.migrations()).doesNotContain(hosts.migration());
      TestHosts.ip(hosts.a, "link set to-container down");
      TestHosts.ip(hosts.client, "neigh flush dev eth0");
      assertThat(pings(hosts.client, TestHosts.ADDRESS)).isTrue();
      try (NetworkNamespace of = NetworkNamespace.ofProcess((int) inhabitant.pid())) {
        assertThat(TestHosts.run(of, "", "nft", "list", "tables")).isEmpty();
        settle();
        assertThat(pings(of, TestHosts.CLIENT)).isTrue();
        PreparedNamespace.removeDevices(of);
      }
      assertNothingIsLeft();
    } finally {
      inhabitant.destroyForcibly().waitFor();
    }
    make(read());
    settle();
    assertNothingIsLeft();
  }

  @Test
  void aNameWithoutNamespaceIsRemovedToo() throws IOException {
    Path file = Path.of("/run/netns/longshore-" + hosts.migration());
    Files.createFile(file);
    assertThat(PreparedNamespace.migrations()).contains(hosts.migration());
    settle();
    assertThat(file).doesNotExist();
  }

  @Test
  void locksAreFoundByTheNamespacesOfProcesses() throws Exception {
    NamespaceLock lock = new NamespaceLock(hosts.container, hosts.migration());
    lock.prepare();
    Process inhabitant =
        new ProcessBuilder("nsenter", "--net=/run/netns/" + hosts.name("container"), "sleep", "60")
            .start();
    try {
      org.awaitility.Awaitility.await()
          .until(() -> NamespaceLock.find().containsKey(hosts.migration()));
      assertThat(NamespaceLock.find()).containsEntry(hosts.migration(), (int) inhabitant.pid());
      lock.release();
      assertThat(NamespaceLock.find()).doesNotContainKey(hosts.migration());
    } finally {
      inhabitant.destroyForcibly().waitFor();
    }
  }

  private boolean isInhabited() throws IOException {
    try (PreparedNamespace prepared = PreparedNamespace.find(hosts.migration()).orElseThrow()) {
      return prepared.isInhabited();
    }
  }

  private ContainerNetwork read() throws IOException {
    return hosts.a.call(() -> NamespaceReader.read(hosts.container)).network();
  }

  private List<String> obstacles(ContainerNetwork network) throws IOException {
    return hosts.b.call(() -> PreparedNamespace.obstacles(network));
  }

  private void make(ContainerNetwork network) throws IOException {
    hosts.b.call(
        () -> {
          PreparedNamespace.make(hosts.migration(), network).close();
          return true;
        });
  }

  private void settle() throws IOException {
    hosts.b.call(
        () -> {
          PreparedNamespace.settle(hosts.migration());
          return true;
        });
  }

  private void assertNothingIsLeft() throws IOException {
    assertThat(PreparedNamespace.migrations()).doesNotContain(hosts.migration());
    assertThat(TestHosts.traces(hosts.b)).isEqualTo(before);
  }

  private static boolean pings(NetworkNamespace from, String address) {
    try {
      // A connection: refused by a reset means that somebody is there.
      TestHosts.run(
          from,
          "",
          "timeout",
          "1.5",
          "bash",
          "-c",
          "[[ $( { : >/dev/tcp/%s/9; } 2>&1 ) == *refused* ]]".formatted(address));
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
