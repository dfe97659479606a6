package io.longshore.linux.network;

import io.longshore.linux.Errno;
import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.Arrays;

/**
 * Delivers packets to sockets of this host as if they had just arrived. Their destination must be
 * an address of this host. One thread at a time. raw(7).
 */
public final class PacketReplay implements AutoCloseable {
  private final FileDescriptorHandle socket;

  /** The last destination that was found to be of this host. */
  private byte[] known = {};

  /** Opens a raw socket. */
  public PacketReplay() throws SystemCallException {
    socket =
        PacketSocket.open(PacketSocket.AF_INET, PacketSocket.SOCK_RAW, PacketSocket.IPPROTO_RAW);
  }

  /**
   * Delivers an IPv4 packet.
   *
   * @param packet with its IP header; what follows its last byte, as Ethernet pads short frames, is
   *     left out; checksums need not be right: between hosts of one machine they are often left to
   *     a network card that is not there
   * @return false if it is no IPv4 packet that could be delivered, or is not for an address of this
   *     host and would leave it; its sender will send it again
   */
  public boolean deliver(byte[] packet) throws IOException {
    // The kernel takes the length of what is sent for the packet's.
    byte[] corrected =
        Arrays.copyOf(packet, Math.min(packet.length, Checksums.totalLength(packet)));
    if (!Checksums.correct(corrected) || !isLocal(Arrays.copyOfRange(corrected, 16, 20))) {
      return false;
    }
    int destination =
        (corrected[16] & 0xff) << 24
            | (corrected[17] & 0xff) << 16
            | (corrected[18] & 0xff) << 8
            | (corrected[19] & 0xff);
    try (Arena arena = Arena.ofConfined()) {
      PacketSocket.send(socket, corrected, PacketSocket.internetAddress(arena, destination));
    } catch (SystemCallException e) {
      if (e.errno() == Errno.EMSGSIZE) { // larger than the loopback interface takes
        return false;
      }
      throw e;
    }
    return true;
  }

  /** Packets come from another host; they must not be sent on in this host's name. */
  private boolean isLocal(byte[] destination) throws IOException {
    if (!Arrays.equals(destination, known)) {
      if (NetworkInterface.getByInetAddress(InetAddress.getByAddress(destination)) == null) {
        return false;
      }
      known = destination;
    }
    return true;
  }

  @Override
  public void close() {
    socket.close();
  }
}
