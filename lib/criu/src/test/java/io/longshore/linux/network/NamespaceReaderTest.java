package io.longshore.linux.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.linux.network.NamespaceReader.Reading;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class NamespaceReaderTest {
  private TestHosts hosts;

  @BeforeEach
  void makeHosts() throws IOException {
    hosts = new TestHosts();
  }

  @AfterEach
  void removeHosts() throws IOException {
    hosts.close();
  }

  @Test
  void readsDevicesAddressesRoutesAndSettings() throws IOException {
    TestHosts.run(hosts.container, "", "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=80");
    Reading reading = read();
    assertThat(reading.unsupported()).isEmpty();
    ContainerNetwork network = reading.network();
    assertThat(network.settings()).containsOnlyKeys("ipv4/ip_unprivileged_port_start");
    assertThat(network.devices()).extracting(NetworkDevice::name).containsExactly("lo", "eth0");
    NetworkDevice device = network.pairs().getFirst();
    assertThat(device.hardwareAddress()).isEqualTo(TestHosts.HARDWARE);
    assertThat(device.mtu()).isEqualTo(1400);
    assertThat(device.up()).isTrue();
    assertThat(device.bridge()).isEqualTo("br0");
    assertThat(device.addresses())
        .extracting(DeviceAddress::toString)
        .containsExactly("10.88.0.5/24", "10.88.0.6/24", "fd00:88::5/64", "fe80::aff:fe58:5/64");
    assertThat(network.routes())
        .extracting(NetworkRoute::toString)
        .containsExactlyInAnyOrder(
            "unicast default via 10.88.0.1 dev eth0",
            "blackhole 10.99.0.0/16 metric 7",
            "unicast default via fd00:88::1 dev eth0 metric 500");
  }

  @Test
  void namesWhatCannotBeMadeAgain() throws IOException {
    TestHosts.ip(
        hosts.container,
        "link add br7 type bridge",
        "route add 10.66.0.0/16 dev eth0 table 5",
        "rule add from 10.88.0.6 table 5",
        "neigh add 10.88.0.77 lladdr 02:00:00:00:00:77 dev eth0",
        "route add 10.67.0.0/16 nexthop via 10.88.0.2 nexthop via 10.88.0.3");
    TestHosts.run(hosts.container, "", "nft", "add", "table", "ip", "filter");
    TestHosts.run(hosts.a, "", "bridge", "link", "set", "dev", "to-container", "isolated", "on");
    assertThat(read().unsupported())
        .anyMatch(text -> text.equals("the device br7 of kind bridge"))
        .anyMatch(text -> text.startsWith("the device eth0") && text.contains("'isolated on'"))
        .anyMatch(text -> text.startsWith("the routing rule") && text.contains("10.88.0.6"))
        .anyMatch(text -> text.equals("the permanent neighbour 10.88.0.77"))
        .anyMatch(text -> text.equals("the nftables table ip filter"));
    TestHosts.run(hosts.a, "", "bridge", "link", "set", "dev", "to-container", "isolated", "off");
    assertThat(read().unsupported())
        .anyMatch(text -> text.startsWith("the route") && text.contains("10.66.0.0/16"))
        .anyMatch(text -> text.startsWith("the route") && text.contains("10.67.0.0/16"))
        .noneMatch(text -> text.contains("isolated"));
  }

  @Test
  void namesAnEndThatIsOnNoBridgeOfThisHost() throws IOException {
    TestHosts.ip(hosts.a, "link set to-container nomaster");
    assertThat(read().unsupported())
        .containsExactly("the device eth0, whose other end to-container is on no bridge");
    // Its number there is one that this host has as well.
    TestHosts.ip(hosts.a, "link set to-container netns " + hosts.name("b"));
    assertThat(read().unsupported())
        .containsExactly("the device eth0, whose other end is not on this host");
  }

  @Test
  void refusesTheHostsOwnNamespace() {
    assertThatThrownBy(() -> hosts.a.call(() -> NamespaceReader.read(hosts.a)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("found the host's");
  }

  @Test
  void locksOfMigrationsAreNoObstacle() throws IOException {
    new NamespaceLock(hosts.container, hosts.migration()).prepareSealed();
    assertThat(read().unsupported()).isEqualTo(List.of());
  }

  private Reading read() throws IOException {
    return hosts.a.call(() -> NamespaceReader.read(hosts.container));
  }
}
