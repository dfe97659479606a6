package io.longshore.linux.network;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Sees all packets that arrive in a network namespace for it, by all devices but loopback, also
 * those that {@link NamespaceLock} keeps from sockets: IPv4, and IPv6 but for its ICMP.
 */
public final class NamespaceHold implements AutoCloseable {
  private final List<PacketHold> holds;

  private NamespaceHold(List<PacketHold> holds) {
    this.holds = holds;
  }

  /**
   * Begins to see packets; they stay in the kernel until {@link #flow} or {@link #close}.
   *
   * @param packets gets every packet, IP header included, on threads of its own
   */
  public static NamespaceHold begin(NetworkNamespace namespace, Consumer<byte[]> packets)
      throws IOException {
    return namespace.call(
        () -> {
          List<PacketHold> holds = new ArrayList<>();
          NamespaceHold hold = new NamespaceHold(holds);
          try {
            for (LocalAddresses.Device device : LocalAddresses.devices()) {
              holds.add(PacketHold.beginIpv4(device, packets));
              holds.add(PacketHold.beginIpv6(device, packets));
            }
            return hold;
          } catch (IOException | RuntimeException e) {
            hold.close();
            throw e;
          }
        });
  }

  /** From now on packets are given away as they come, those that are there at once. */
  public void flow() {
    holds.forEach(PacketHold::flow);
  }

  /** Ends. Packets that arrived before are given away first; after it returns, none is. */
  @Override
  public void close() {
    holds.forEach(PacketHold::close);
  }
}
