package io.longshore.linux.network;

import io.longshore.linux.Errno;
import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Delivers packets to sockets of this host as if they had just arrived. Their destination must be
 * an address of this host, and its loopback interface, by which they come, be up. One thread at a
 * time. raw(7).
 */
public final class PacketReplay implements AutoCloseable {
  private final FileDescriptorHandle socket;

  /** Opened when it is needed: a kernel may be without. */
  private @Nullable FileDescriptorHandle ipv6;

  /** The last destination that was found to be of this host. */
  private byte[] known = {};

  /** Opens a raw socket. */
  public PacketReplay() throws SystemCallException {
    socket =
        PacketSocket.open(PacketSocket.AF_INET, PacketSocket.SOCK_RAW, PacketSocket.IPPROTO_RAW);
  }

  /**
   * Delivers a packet.
   *
   * @param packet with its IP header; what follows its last byte, as Ethernet pads short frames, is
   *     left out; checksums need not be right: between hosts of one machine they are often left to
   *     a network card that is not there
   * @return false if it is no packet that could be delivered, or is not for an address of this host
   *     and would leave it; its sender will send it again
   */
  public boolean deliver(byte[] packet) throws IOException {
    // The kernel takes the length of what is sent for the packet's.
    byte[] corrected =
        Arrays.copyOf(packet, Math.min(packet.length, Checksums.totalLength(packet)));
    if (!Checksums.correct(corrected)) {
      return false;
    }
    boolean isIpv6 = corrected[0] >> 4 == 6;
    byte[] destination = Arrays.copyOfRange(corrected, isIpv6 ? 24 : 16, isIpv6 ? 40 : 20);
    InetAddress address = InetAddress.getByAddress(destination);
    // One of a link says nothing without its interface.
    if ((isIpv6 && address.isLinkLocalAddress()) || !isLocal(address)) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      PacketSocket.send(
          isIpv6 ? ipv6() : socket,
          corrected,
          isIpv6
              ? PacketSocket.internetAddress(arena, destination)
              : ipv4Address(arena, destination));
    } catch (SystemCallException e) {
      if (e.errno() == Errno.EMSGSIZE) { // larger than the loopback interface takes
        return false;
      }
      throw e;
    }
    return true;
  }

  private FileDescriptorHandle ipv6() throws SystemCallException {
    if (ipv6 == null) {
      ipv6 =
          PacketSocket.open(PacketSocket.AF_INET6, PacketSocket.SOCK_RAW, PacketSocket.IPPROTO_RAW);
    }
    return ipv6;
  }

  private static MemorySegment ipv4Address(Arena arena, byte[] address) {
    return PacketSocket.internetAddress(
        arena,
        (address[0] & 0xff) << 24
            | (address[1] & 0xff) << 16
            | (address[2] & 0xff) << 8
            | (address[3] & 0xff));
  }

  /** Packets come from another host; they must not be sent on in this host's name. */
  private boolean isLocal(InetAddress destination) throws IOException {
    byte[] bytes = destination.getAddress();
    if (!Arrays.equals(bytes, known)) {
      if (!LocalAddresses.contain(destination)) {
        return false;
      }
      known = bytes;
    }
    return true;
  }

  @Override
  public void close() {
    socket.close();
    if (ipv6 != null) {
      ipv6.close();
    }
  }
}
