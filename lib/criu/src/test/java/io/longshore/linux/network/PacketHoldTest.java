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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PacketHoldTest {
  private static final Duration SOON = Duration.ofSeconds(2);
  private static final Duration SHORT = Duration.ofMillis(50);

  @Test
  void whatArrivesWhileLockedIsHeldAndDeliveredLater() throws Exception {
    run(HeldAndDelivered.class);
  }

  static final class HeldAndDelivered implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      AddressLock lock = new AddressLock("held-and-delivered");
      lock.prepare();
      List<byte[]> held = new CopyOnWriteArrayList<>();
      try (ClientConnection connection = ClientConnection.open(network)) {
        connection.clientSends("before");
        assertThat(connection.hostReceives(6, SOON)).isEqualTo("before");

        PacketHold hold = PacketHold.start(INTERFACE, SERVICE, held::add);
        lock.holdIncoming(List.of(SERVICE));
        connection.clientSends("during");
        await().until(() -> held.stream().anyMatch(packet -> carries(packet, "during")));
        assertThat(connection.hostReceives(6, SHORT)).isEmpty();

        // Without a cable only what was held can arrive, no retransmission.
        network.ipInClient("link", "set", INTERFACE, "down");
        lock.release();
        hold.close();
        hold.close();
        assertThat(connection.hostReceives(6, SHORT)).isEmpty();
        long start = System.nanoTime();
        try (PacketReplay replay = new PacketReplay()) {
          for (byte[] packet : held) {
            // As a network card hands over a short frame: padded.
            assertThat(replay.deliver(Arrays.copyOf(packet, packet.length + 6))).isTrue();
          }
        }
        assertThat(connection.hostReceives(6, SOON)).isEqualTo("during");
        System.out.printf("delivered after %.1f ms%n", (System.nanoTime() - start) / 1e6);

        network.ipInClient("link", "set", INTERFACE, "up");
        connection.clientSends("after");
        assertThat(connection.hostReceives(5, Duration.ofSeconds(10))).isEqualTo("after");
        connection.hostSends("and back");
        assertThat(connection.clientReceives()).isEqualTo("and back");
      }
    }
  }

  @Test
  void aClientDoesNotWaitForItsRetransmission() throws Exception {
    run(NoRetransmission.class);
  }

  static final class NoRetransmission implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      AddressLock lock = new AddressLock("no-retransmission");
      lock.prepare();
      List<byte[]> held = new CopyOnWriteArrayList<>();
      try (ClientConnection connection = ClientConnection.open(network)) {
        // Once, so that no class is loaded in the part that is timed.
        for (String text : List.of("warm", "next")) {
          held.clear();
          PacketHold hold = PacketHold.start(INTERFACE, SERVICE, held::add);
          lock.prepare();
          lock.holdIncoming(List.of(SERVICE));
          long sent = System.nanoTime();
          connection.clientSends(text);
          await()
              .pollInterval(Duration.ofMillis(1))
              .until(() -> held.stream().anyMatch(packet -> carries(packet, text)));
          lock.release();
          hold.close();
          try (PacketReplay replay = new PacketReplay()) {
            for (byte[] packet : held) {
              assertThat(replay.deliver(packet)).isTrue();
            }
          }
          assertThat(connection.hostReceives(4, SOON)).isEqualTo(text);
          System.out.printf(
              "%s: %d packets, %.1f ms from send to receive%n",
              text, held.size(), (System.nanoTime() - sent) / 1e6);
        }
      }
    }
  }

  @Test
  void aSegmentLargerThanAnyFrameIsDeliveredThoughItsChecksumWasLeftOut() throws Exception {
    run(LargeSegment.class);
  }

  static final class LargeSegment implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      AddressLock lock = new AddressLock("large-segment");
      lock.prepare();
      List<byte[]> held = new CopyOnWriteArrayList<>();
      // No part of it is like another: what is sent again must not pass for the end.
      String text =
          IntStream.range(0, 2000).mapToObj("%05d"::formatted).collect(Collectors.joining());
      try (ClientConnection connection = ClientConnection.open(network)) {
        connection.clientSends("before");
        assertThat(connection.hostReceives(6, SOON)).isEqualTo("before");
        PacketHold hold = PacketHold.start(INTERFACE, SERVICE, held::add);
        lock.holdIncoming(List.of(SERVICE));
        connection.clientSends(text);
        await().until(() -> held.stream().anyMatch(packet -> carries(packet, "0199801999")));
        hold.close();
        network.ipInClient("link", "set", INTERFACE, "down");
        lock.release();
        byte[] large =
            held.stream().filter(packet -> packet.length > 1500).findFirst().orElseThrow();
        byte[] corrected = large.clone();
        assertThat(Checksums.correct(corrected)).isTrue();
        assertThat(corrected).isNotEqualTo(large);
        try (PacketReplay replay = new PacketReplay()) {
          for (byte[] packet : held) {
            assertThat(replay.deliver(packet)).isTrue();
          }
        }
        assertThat(connection.hostReceives(text.length(), SOON)).isEqualTo(text);
      }
    }
  }

  @Test
  void closingGivesAwayWhatHasArrivedAndThenNothing() throws Exception {
    run(Drained.class);
  }

  static final class Drained implements TestNetwork.Scenario {
    private static final int PACKETS = 500;

    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      // Until the client knows its neighbour it keeps only a few packets.
      send(network, 1);
      List<byte[]> held = new CopyOnWriteArrayList<>();
      CountDownLatch first = new CountDownLatch(1);
      CountDownLatch goOn = new CountDownLatch(1);
      PacketHold hold =
          PacketHold.start(
              INTERFACE,
              SERVICE,
              packet -> {
                first.countDown();
                try {
                  goOn.await();
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
                held.add(packet);
                if (held.size() == 3) {
                  throw new IllegalStateException("the third is not taken, the others are");
                }
              });
      send(network, PACKETS);
      assertThat(first.await(5, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
      Thread closing = Thread.ofPlatform().start(hold::close);
      await().until(() -> closing.getState() == Thread.State.WAITING);
      assertThat(held).isEmpty();
      goOn.countDown();
      assertThat(closing.join(Duration.ofSeconds(5))).isTrue();

      assertThat(held.stream().map(Drained::payload).toList())
          .isEqualTo(IntStream.range(0, PACKETS).mapToObj("packet-%03d"::formatted).toList());
      send(network, 1);
      assertThat(held).hasSize(PACKETS);
    }

    private static String payload(byte[] packet) {
      return new String(packet, 28, packet.length - 28, StandardCharsets.US_ASCII);
    }

    /**
     * Returns when all have arrived: they are sent to another address last, without the hold seeing
     * that.
     */
    private static void send(TestNetwork network, int packets) throws Exception {
      // Someone takes them, or the client is told that nobody does and stops sending.
      try (DatagramSocket taking =
              new DatagramSocket(new InetSocketAddress(SERVICE.address(), 7002));
          DatagramSocket end =
              new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral("10.77.0.1"), 7001))) {
        assertThat(taking.isBound()).isTrue();
        end.setSoTimeout(10_000);
        Process sender =
            network.startInClient(
                "exec 3<>/dev/udp/10.77.0.100/7002; for ((i=0; i<%d; i++)); do printf 'packet-%%03d' $i >&3; done; echo end > /dev/udp/10.77.0.1/7001"
                    .formatted(packets));
        end.receive(new DatagramPacket(new byte[10], 10));
        assertThat(sender.waitFor()).isZero();
      }
    }
  }

  @Test
  void outlivesThatItsInterfaceGoesDown() throws Exception {
    run(InterfaceDown.class);
  }

  static final class InterfaceDown implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      List<byte[]> held = new CopyOnWriteArrayList<>();
      PacketHold hold = PacketHold.start(INTERFACE, SERVICE, held::add);
      Program.run(List.of("ip", "link", "set", INTERFACE, "down"), "");
      Program.run(List.of("ip", "link", "set", INTERFACE, "up"), "");
      await()
          .until(
              () -> {
                // An unanswered neighbour may swallow the first ones.
                network.startInClient("echo again > /dev/udp/10.77.0.100/7002").waitFor();
                return held.stream().anyMatch(packet -> carries(packet, "again"));
              });
      hold.close();
    }
  }

  @Test
  void deliversDatagramsAndOnlyToThisHost() throws Exception {
    run(Datagrams.class);
  }

  static final class Datagrams implements TestNetwork.Scenario {
    @Override
    public void run(TestNetwork network) throws Exception {
      Interfaces.assign(SERVICE, INTERFACE);
      AddressLock lock = new AddressLock("datagrams");
      lock.prepare();
      lock.holdIncoming(List.of(SERVICE));
      List<byte[]> held = new CopyOnWriteArrayList<>();
      try (DatagramSocket socket =
              new DatagramSocket(new InetSocketAddress(SERVICE.address(), 7003));
          PacketReplay replay = new PacketReplay()) {
        byte[] received = new byte[100];
        DatagramPacket datagram = new DatagramPacket(received, received.length);
        PacketHold hold = PacketHold.start(INTERFACE, SERVICE, held::add);
        network.startInClient("printf datagram > /dev/udp/10.77.0.100/7003").waitFor();
        // What is for the host's own address is none of the hold's business.
        network.startInClient("printf other > /dev/udp/10.77.0.1/7003").waitFor();
        await().until(() -> !held.isEmpty());
        hold.close();
        assertThat(held).hasSize(1);
        lock.release();
        assertThat(replay.deliver(held.getFirst())).isTrue();
        socket.setSoTimeout(2000);
        socket.receive(datagram);
        assertThat(new String(received, 0, datagram.getLength(), StandardCharsets.US_ASCII))
            .isEqualTo("datagram");
        assertThat(datagram.getAddress().getHostAddress()).isEqualTo("10.77.0.2");

        byte[] elsewhere = held.getFirst().clone();
        elsewhere[19] = 2;
        assertThat(replay.deliver(elsewhere)).isFalse();
        assertThat(replay.deliver(new byte[0])).isFalse();
        assertThat(replay.deliver(new byte[60])).isFalse();
        assertThat(replay.deliver(Arrays.copyOf(held.getFirst(), 25))).isFalse();
      }
    }
  }

  @Test
  void saysThatThereIsNoSuchInterface() {
    assertThatThrownBy(() -> PacketHold.start("none0", SERVICE, packet -> {}).close())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("none0");
  }

  private static boolean carries(byte[] packet, String text) {
    return new String(packet, StandardCharsets.ISO_8859_1).contains(text);
  }

  private static void run(Class<? extends TestNetwork.Scenario> scenario) throws Exception {
    try (TestNetwork network = TestNetwork.create()) {
      network.inHost(scenario);
    }
  }
}
