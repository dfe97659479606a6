package io.longshore.linux.network;

import static io.longshore.linux.network.TestNetwork.INTERFACE;
import static io.longshore.linux.network.TestNetwork.SERVICE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class InterfacesTest {
  @Test
  void givesAndTakesAnAddress() throws Exception {
    run(GivesAndTakes.class);
  }

  static final class GivesAndTakes implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      assertThat(Interfaces.withAddress(SERVICE)).isEmpty();
      assertThat(Interfaces.inSubnet(SERVICE)).contains(INTERFACE);
      assertThat(Interfaces.inSubnet(ServiceAddress.parse("10.78.0.5/24"))).isEmpty();
      // The host's own address is no reason to have it again.
      assertThat(Interfaces.inSubnet(ServiceAddress.parse(TestNetwork.HOST))).isEmpty();

      Interfaces.assign(SERVICE, INTERFACE);
      Interfaces.assign(SERVICE, INTERFACE);
      assertThat(Interfaces.withAddress(SERVICE)).contains(INTERFACE);

      Interfaces.remove(SERVICE, "lo");
      assertThat(Interfaces.withAddress(SERVICE)).contains(INTERFACE);
      Interfaces.remove(SERVICE, INTERFACE);
      Interfaces.remove(SERVICE, INTERFACE);
      assertThat(Interfaces.withAddress(SERVICE)).isEmpty();
      assertThat(Interfaces.withAddress(ServiceAddress.parse(TestNetwork.HOST)))
          .contains(INTERFACE);
      assertThatThrownBy(() -> Interfaces.assign(SERVICE, "none0"))
          .hasMessageContaining("ip address add 10.77.0.100/24 dev none0 failed");
    }
  }

  @Test
  void takesNoOtherAddressWithTheFirstOfTheSubnet() throws Exception {
    run(TakesTheFirst.class);
  }

  static final class TakesTheFirst implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      ServiceAddress host = ServiceAddress.parse(TestNetwork.HOST);
      Path promote = Path.of("/proc/sys/net/ipv4/conf/eth0/promote_secondaries");
      Files.writeString(promote, "0");
      Interfaces.remove(host, INTERFACE);
      Interfaces.assign(SERVICE, INTERFACE);
      Interfaces.assign(host, INTERFACE);

      Interfaces.remove(SERVICE, INTERFACE);

      assertThat(Interfaces.withAddress(SERVICE)).isEmpty();
      assertThat(Interfaces.withAddress(host)).contains(INTERFACE);
      assertThat(Files.readString(promote).strip()).isEqualTo("0");
    }
  }

  @Test
  void anAnnouncementMovesTheAddressInTheNeighboursTable() throws Exception {
    run(Announced.class);
  }

  static final class Announced implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      String mac = TestNetwork.hardwareAddress();
      network.ipInClient(
          "neigh",
          "replace",
          "10.77.0.100",
          "lladdr",
          "02:00:00:00:00:99",
          "nud",
          "reachable",
          "dev",
          INTERFACE);
      assertThat(network.ipInClient("neigh", "show", "10.77.0.100")).contains("02:00:00:00:00:99");

      // Also while the address is sealed: the announcement does not pass through nftables.
      ArpAnnouncement.send(SERVICE, INTERFACE);

      await().until(() -> network.ipInClient("neigh", "show", "10.77.0.100").contains(mac));
      long start = System.nanoTime();
      ArpAnnouncement.send(SERVICE, INTERFACE);
      System.out.printf("an announcement takes %.2f ms%n", (System.nanoTime() - start) / 1e6);
      assertThatThrownBy(() -> ArpAnnouncement.send(SERVICE, "lo"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("lo is no Ethernet interface");
    }
  }

  private static void run(Class<? extends TestNetwork.Scenario> scenario) throws Exception {
    try (TestNetwork network = TestNetwork.create()) {
      network.inHost(scenario);
    }
  }

  @Test
  void aProgramThatDoesNotEndIsEnded() {
    assertThatThrownBy(
            () -> Program.run(List.of("sleep", "60"), "", java.time.Duration.ofMillis(200)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("sleep 60 did not end within PT0.2S");
    assertThatThrownBy(() -> Program.run(List.of("no-such-program"), ""))
        .hasMessageContaining("cannot run no-such-program: is it installed?");
    assertThatThrownBy(() -> Program.run(List.of("nft", "-f", "-"), "nonsense"))
        .hasMessageContaining("nft -f - failed with 1")
        .hasMessageContaining("nonsense");
  }
}
