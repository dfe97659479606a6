package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the neighbours of the calling thread's network namespace where all its addresses are now,
 * and the switches by which of their ports: gratuitous ARP ({@link ArpAnnouncement}), and
 * unsolicited neighbour advertisements, RFC 4861 section 7.2.6.
 */
public final class Announcement {
  private static final Logger log = LoggerFactory.getLogger(Announcement.class);
  private static final byte[] ALL_NODES_FRAME = {0x33, 0x33, 0, 0, 0, 1};
  private static final byte[] ALL_NODES = {
    (byte) 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
  };
  private static final int ICMPV6 = 58;
  private static final int ADVERTISEMENT_BYTES = 32;
  private static final byte NEIGHBOUR_ADVERTISEMENT = (byte) 136;
  private static final int OVERRIDE = 0x2000_0000;
  private static final byte TARGET_LINK_ADDRESS = 2;

  private Announcement() {}

  /**
   * Sends it, by all devices that are up but loopback. What cannot be sent, as without a cable, is
   * logged: neighbours ask when they are not answered any more.
   */
  public static void send() throws IOException {
    for (LocalAddresses.Device device : LocalAddresses.devices()) {
      for (InetAddress found : device.addresses()) {
        try {
          switch (found) {
            case Inet4Address address ->
                ArpAnnouncement.send(address, device.index(), device.hardware());
            case Inet6Address address -> send(address, device.index(), device.hardware());
            default -> {}
          }
        } catch (SystemCallException e) {
          log.warn(
              "The neighbours of {} are not told that it has {}: {}",
              device.name(),
              found.getHostAddress(),
              e.getMessage());
        }
      }
    }
  }

  private static void send(Inet6Address address, int device, byte[] hardware) throws IOException {
    byte[] bytes = address.getAddress();
    byte[] packet =
        ByteBuffer.allocate(40 + ADVERTISEMENT_BYTES)
            .putInt(6 << 28)
            .putShort((short) ADVERTISEMENT_BYTES)
            .put((byte) ICMPV6)
            // Less has passed a router, and is not heeded.
            .put((byte) 255)
            .put(bytes)
            .put(ALL_NODES)
            .put(NEIGHBOUR_ADVERTISEMENT)
            .put((byte) 0)
            .putShort((short) 0)
            .putInt(OVERRIDE)
            .put(bytes)
            .put(TARGET_LINK_ADDRESS)
            .put((byte) 1)
            .put(hardware)
            .array();
    if (!Checksums.correct(packet)) {
      throw new AssertionError("a packet of ours is not whole");
    }
    FileDescriptorHandle socket =
        PacketSocket.open(PacketSocket.AF_PACKET, PacketSocket.SOCK_DGRAM, 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment everybody = PacketSocket.linkAddress(arena, PacketSocket.ETH_P_IPV6, device);
      everybody.set(JAVA_BYTE, 11, (byte) ALL_NODES_FRAME.length);
      MemorySegment.copy(ALL_NODES_FRAME, 0, everybody, JAVA_BYTE, 12, ALL_NODES_FRAME.length);
      PacketSocket.send(socket, packet, everybody);
    } finally {
      // As there: the kernel takes some milliseconds, for which nobody should wait.
      Thread.ofPlatform().name("close-announcement-socket").start(socket::close);
    }
  }
}
