package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.longshore.linux.FileDescriptorHandle;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;

/** Tells the neighbours where an address is now: gratuitous ARP, RFC 5227 section 3; packet(7). */
public final class ArpAnnouncement {
  private static final byte[] BROADCAST = {-1, -1, -1, -1, -1, -1};
  private static final short ETHERNET = 1;
  private static final short REQUEST = 1;
  private static final short REPLY = 2;

  private ArpAnnouncement() {}

  /** Sends it, as a request and as a reply, because some neighbours heed only one of them. */
  public static void send(ServiceAddress address, String interfaceName) throws IOException {
    NetworkInterface found = NetworkInterface.getByName(interfaceName);
    byte[] hardware = found == null ? null : found.getHardwareAddress();
    if (found == null || hardware == null || hardware.length != BROADCAST.length) {
      throw new IOException(
          interfaceName + " is no Ethernet interface that could announce an address");
    }
    send(address.address(), found.getIndex(), hardware);
  }

  /** The same by the number of an Ethernet device and its address. */
  static void send(Inet4Address address, int device, byte[] hardware) throws IOException {
    FileDescriptorHandle socket =
        PacketSocket.open(PacketSocket.AF_PACKET, PacketSocket.SOCK_DGRAM, 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment everybody = PacketSocket.linkAddress(arena, PacketSocket.ETH_P_ARP, device);
      everybody.set(JAVA_BYTE, 11, (byte) BROADCAST.length);
      MemorySegment.copy(BROADCAST, 0, everybody, JAVA_BYTE, 12, BROADCAST.length);
      PacketSocket.send(socket, frame(REQUEST, address, hardware), everybody);
      PacketSocket.send(socket, frame(REPLY, address, hardware), everybody);
    } finally {
      // The kernel waits at this close until all processors have let go of the socket, some
      // milliseconds;
      // a client waits for what comes after the announcement.
      Thread.ofPlatform().name("close-arp-socket").start(socket::close);
    }
  }

  private static byte[] frame(short operation, Inet4Address address, byte[] hardware) {
    byte[] protocol = address.getAddress();
    return ByteBuffer.allocate(28)
        .putShort(ETHERNET)
        .putShort((short) PacketSocket.ETH_P_IP)
        .put((byte) hardware.length)
        .put((byte) protocol.length)
        .putShort(operation)
        .put(hardware)
        .put(protocol)
        // Linux takes a reply for gratuitous only if both hardware addresses are the sender's
        // (net/ipv4/arp.c).
        .put(operation == REPLY ? hardware : new byte[hardware.length])
        .put(protocol)
        .array();
  }
}
