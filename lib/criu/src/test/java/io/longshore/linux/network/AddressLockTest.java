package io.longshore.linux.network;

import static io.longshore.linux.network.TestNetwork.INTERFACE;
import static io.longshore.linux.network.TestNetwork.SERVICE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.util.List;
import org.junit.jupiter.api.Test;

class AddressLockTest {
  private static final ServiceAddress OTHER = ServiceAddress.parse("10.77.0.101/24");

  @Test
  void holdsWhatArrivesAndNothingElse() throws Exception {
    run(Holds.class);
  }

  static final class Holds implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      AddressLock lock = new AddressLock("0a1b-holds");
      try (DatagramSocket service = open(SERVICE);
          DatagramSocket host =
              new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral("10.77.0.1"), 7000))) {
        assertThat(arrives(network, "10.77.0.100", service)).isTrue();
        lock.prepare();
        assertThat(arrives(network, "10.77.0.100", service)).isTrue();
        lock.holdIncoming(List.of(SERVICE, OTHER));
        lock.holdIncoming(List.of(SERVICE, OTHER));
        assertThat(arrives(network, "10.77.0.100", service)).isFalse();
        assertThat(arrives(network, "10.77.0.1", host)).isTrue();
        assertThat(answersArp(network)).isTrue();
        // A process of this host is kept out as well.
        try (DatagramSocket local = new DatagramSocket()) {
          local.send(datagram(SERVICE.address()));
          assertThat(receives(service)).isFalse();
        }
        // It may still send.
        service.send(datagram(InetAddress.ofLiteral("10.77.0.2")));
        lock.release();
        lock.release();
        assertThat(arrives(network, "10.77.0.100", service)).isTrue();
      }
    }
  }

  @Test
  void aSealedAddressIsSilent() throws Exception {
    run(Sealed.class);
  }

  static final class Sealed implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      AddressLock lock = new AddressLock("0a1b-sealed");
      try (DatagramSocket service = open(SERVICE)) {
        lock.prepare();
        assertThat(answersArp(network)).isTrue();
        lock.holdIncoming(List.of(SERVICE));
        lock.seal(List.of(SERVICE, OTHER));
        lock.seal(List.of(SERVICE, OTHER));
        assertThat(answersArp(network)).isFalse();
        // The client knows its way, and still nothing arrives.
        network.ipInClient(
            "neigh",
            "replace",
            "10.77.0.100",
            "lladdr",
            TestNetwork.hardwareAddress(),
            "dev",
            INTERFACE);
        assertThat(arrives(network, "10.77.0.100", service)).isFalse();
        assertThatThrownBy(() -> service.send(datagram(InetAddress.ofLiteral("10.77.0.2"))))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("not permitted");
        lock.letOut(List.of(SERVICE));
        lock.letOut(List.of(SERVICE));
        service.send(datagram(InetAddress.ofLiteral("10.77.0.2")));
        assertThat(answersArp(network)).isTrue();
        assertThat(arrives(network, "10.77.0.100", service)).isFalse();
        lock.open(List.of(SERVICE));
        lock.open(List.of(SERVICE));
        assertThat(answersArp(network)).isTrue();
        assertThat(arrives(network, "10.77.0.100", service)).isTrue();
        service.send(datagram(InetAddress.ofLiteral("10.77.0.2")));
        lock.prepareSealed(List.of(SERVICE, OTHER));
        assertThat(arrives(network, "10.77.0.100", service)).isFalse();
        assertThatThrownBy(() -> service.send(datagram(InetAddress.ofLiteral("10.77.0.2"))))
            .hasMessageContaining("not permitted");
        assertThat(answersArp(network)).isFalse();
        lock.release();
        assertThat(answersArp(network)).isTrue();
        assertThat(arrives(network, "10.77.0.100", service)).isTrue();
        assertThatThrownBy(() -> lock.seal(List.of(SERVICE)))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("longshore_0a1b_sealed");
      }
    }
  }

  @Test
  void tablesAreKnownByTheirMigration() throws Exception {
    run(Tables.class);
  }

  static final class Tables implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      AddressLock first = new AddressLock("aaaa-1");
      AddressLock second = new AddressLock("bbbb-2");
      assertThat(AddressLock.tables()).isEmpty();
      Program.run(List.of("nft", "add", "table", "inet", "another"), "");
      first.prepare();
      second.prepare();
      assertThat(AddressLock.tables())
          .containsExactlyInAnyOrder(
              "inet longshore_aaaa_1",
              "arp longshore_aaaa_1",
              "inet longshore_bbbb_2",
              "arp longshore_bbbb_2");
      new AddressLock("bbbb-2").release();
      assertThat(AddressLock.tables())
          .containsExactlyInAnyOrder("inet longshore_aaaa_1", "arp longshore_aaaa_1");
      // The kernel makes a change that follows another at once wait for its clean-up.
      for (int i = 0; i < 5; i++) {
        first.prepare();
        Thread.sleep(50);
        long start = System.nanoTime();
        first.seal(List.of(SERVICE));
        long sealed = System.nanoTime();
        Thread.sleep(50);
        long opening = System.nanoTime();
        first.letOut(List.of(SERVICE));
        first.open(List.of(SERVICE));
        System.out.printf(
            "sealed within %.2f ms, opened within %.2f ms%n",
            (sealed - start) / 1e6, (System.nanoTime() - opening) / 1e6);
      }
      first.release();
      assertThat(AddressLock.tables()).isEmpty();
      assertThat(Program.run(List.of("nft", "list", "tables"), "")).isEqualTo("table inet another");
    }
  }

  @Test
  void refusesNamesThatAreNotOfAMigration() {
    for (String name : List.of("", "a b", "x; flush ruleset", "a}")) {
      assertThatThrownBy(() -> new AddressLock(name)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static DatagramSocket open(ServiceAddress address) throws IOException {
    return new DatagramSocket(new InetSocketAddress(address.address(), 7000));
  }

  private static DatagramPacket datagram(InetAddress to) {
    return new DatagramPacket(new byte[1], 1, to, 7000);
  }

  private static boolean arrives(TestNetwork network, String address, DatagramSocket socket)
      throws Exception {
    Process sender = network.startInClient("echo x > /dev/udp/" + address + "/7000");
    assertThat(sender.waitFor()).isZero();
    return receives(socket);
  }

  private static boolean receives(DatagramSocket socket) throws IOException {
    try {
      socket.setSoTimeout(300);
      socket.receive(new DatagramPacket(new byte[10], 10));
      return true;
    } catch (SocketTimeoutException e) {
      return false;
    }
  }

  /** Whether the client learns the hardware address, having forgotten it. */
  private static boolean answersArp(TestNetwork network) throws Exception {
    network.ipInClient("neigh", "flush", "dev", INTERFACE);
    network.ipInClient("neigh", "flush", "nud", "permanent", "dev", INTERFACE);
    assertThat(network.startInClient("echo x > /dev/udp/10.77.0.100/9").waitFor()).isZero();
    try {
      await()
          .atMost(java.time.Duration.ofMillis(500))
          .until(() -> network.ipInClient("neigh", "show", "10.77.0.100").contains("lladdr"));
      return true;
    } catch (org.awaitility.core.ConditionTimeoutException e) {
      return false;
    }
  }

  private static void run(Class<? extends TestNetwork.Scenario> scenario) throws Exception {
    try (TestNetwork network = TestNetwork.create()) {
      network.inHost(scenario);
    }
  }
}
