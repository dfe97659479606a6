package io.longshore.agent.network;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.linux.network.PacketReplay;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Packets that arrived while nobody could take them, in their order. Holds as much as fits; what
 * comes after that is dropped, as a network may. Thread-safe.
 */
public final class HeldPackets {
  private static final Logger log = LoggerFactory.getLogger(HeldPackets.class);
  private static final long LIMIT_BYTES = 16 << 20;

  @GuardedBy("this")
  private final Deque<byte[]> packets = new ArrayDeque<>();

  @GuardedBy("this")
  private long bytes;

  /** Keeps a packet, IP header included. */
  public synchronized void add(byte[] packet) {
    if (bytes + packet.length <= LIMIT_BYTES) {
      packets.add(packet);
      bytes += packet.length;
    }
  }

  /**
   * Delivers all to sockets of this host, which must have their destination address, and forgets
   * them.
   */
  public synchronized void deliver() throws IOException {
    if (packets.isEmpty()) {
      return;
    }
    log.debug("Delivering {} held packets", packets.size());
    try (PacketReplay replay = new PacketReplay()) {
      for (byte[] packet = packets.poll(); packet != null; packet = packets.poll()) {
        bytes -= packet.length;
        replay.deliver(packet);
      }
    }
  }
}
