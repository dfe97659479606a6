package io.longshore.linux.network;

import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.SystemCallException;
import java.lang.foreign.Arena;

/**
 * Delivers packets to sockets of this host as if they had just arrived. Their destination must be
 * an address of this host. raw(7).
 */
public final class PacketReplay implements AutoCloseable {
  private final FileDescriptorHandle socket;

  /** Opens a raw socket. */
  public PacketReplay() throws SystemCallException {
    socket =
        PacketSocket.open(PacketSocket.AF_INET, PacketSocket.SOCK_RAW, PacketSocket.IPPROTO_RAW);
  }

  /**
   * Delivers an IPv4 packet.
   *
   * @param packet with its IP header; checksums need not be right: between hosts of one machine
   *     they are often left to a network card that is not there
   * @return false if it is no IPv4 packet that could be delivered
   */
  public boolean deliver(byte[] packet) throws SystemCallException {
    byte[] corrected = packet.clone();
    if (!Checksums.correct(corrected)) {
      return false;
    }
    int destination =
        (corrected[16] & 0xff) << 24
            | (corrected[17] & 0xff) << 16
            | (corrected[18] & 0xff) << 8
            | (corrected[19] & 0xff);
    try (Arena arena = Arena.ofConfined()) {
      PacketSocket.send(socket, corrected, PacketSocket.internetAddress(arena, destination));
    }
    return true;
  }

  @Override
  public void close() {
    socket.close();
  }
}
