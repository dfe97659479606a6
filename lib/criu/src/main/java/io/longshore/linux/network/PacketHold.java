package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.longshore.linux.Doorbell;
import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.NetworkInterface;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees the packets that arrive at an interface for an IPv4 address, or for this host at all, also
 * those that {@link AddressLock} and {@link NamespaceLock} keep from sockets: packet sockets come
 * before nftables. packet(7).
 */
public final class PacketHold implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PacketHold.class);
  private static final int LARGEST_PACKET = 65535;
  private static final int BUFFER_BYTES = 16 << 20;

  /** So that an unending stream of packets cannot keep {@link #close} from returning. */
  private static final int MOST_AFTER_RING = 65_536;

  private static final int DESTINATION_OFFSET = 16;

  /** Where an IPv6 header says what follows. */
  private static final int NEXT_HEADER_OFFSET = 6;

  private static final int ICMPV6 = 58;

  /**
   * linux/filter.h: where the kernel shows a packet's type; PACKET_HOST is 0, PACKET_OUTGOING 4.
   */
  private static final long PACKET_TYPE = 0xfffff004L;

  private static final long LOAD_WORD = 0x20;
  private static final long LOAD_BYTE = 0x30;
  private static final long JUMP_EQUAL = 0x15;
  private static final long RETURN = 0x06;

  private static final long[][] FOR_THIS_HOST = {
    {LOAD_WORD, 0, 0, PACKET_TYPE},
    {JUMP_EQUAL, 0, 1, 0},
    {RETURN, 0, 0, LARGEST_PACKET},
    {RETURN, 0, 0, 0},
  };

  private static final long[][] FOR_THIS_HOST_BUT_ICMPV6 = {
    {LOAD_WORD, 0, 0, PACKET_TYPE},
    {JUMP_EQUAL, 0, 3, 0},
    {LOAD_BYTE, 0, 0, NEXT_HEADER_OFFSET},
    {JUMP_EQUAL, 1, 0, ICMPV6},
    {RETURN, 0, 0, LARGEST_PACKET},
    {RETURN, 0, 0, 0},
  };

  private final FileDescriptorHandle socket;
  private final Doorbell doorbell;
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread thread;

  /** Changed with the doorbell's monitor. */
  private boolean flowing;

  private PacketHold(
      FileDescriptorHandle socket, Doorbell doorbell, String name, Consumer<byte[]> packets) {
    this.socket = socket;
    this.doorbell = doorbell;
    this.thread =
        Thread.ofPlatform().name("packets-" + name).daemon().unstarted(() -> run(packets));
  }

  /**
   * Begins to see packets and to give them away.
   *
   * @param packets gets every packet, IP header included, on a thread of its own
   */
  public static PacketHold start(
      String interfaceName, ServiceAddress address, Consumer<byte[]> packets) throws IOException {
    PacketHold hold = begin(interfaceName, address, packets);
    hold.flow();
    return hold;
  }

  /**
   * Begins to see packets; they stay in the kernel until {@link #flow} or {@link #close}. So they
   * take no processor from those who have more urgent work.
   *
   * @param packets gets every packet, IP header included, on a thread of its own
   */
  public static PacketHold begin(
      String interfaceName, ServiceAddress address, Consumer<byte[]> packets) throws IOException {
    NetworkInterface found = NetworkInterface.getByName(interfaceName);
    if (found == null) {
      throw new IOException("there is no interface " + interfaceName);
    }
    return begin(found.getIndex(), interfaceName, PacketSocket.ETH_P_IP, filter(address), packets);
  }

  /** As {@link #begin}, for all IPv4 packets that are for this host and nobody else. */
  static PacketHold beginIpv4(LocalAddresses.Device device, Consumer<byte[]> packets)
      throws IOException {
    return begin(device.index(), device.name(), PacketSocket.ETH_P_IP, FOR_THIS_HOST, packets);
  }

  /**
   * As {@link #beginIpv4}, for IPv6. Not of ICMP: what neighbours ask each other is of no use
   * later.
   */
  static PacketHold beginIpv6(LocalAddresses.Device device, Consumer<byte[]> packets)
      throws IOException {
    return begin(
        device.index(), device.name(), PacketSocket.ETH_P_IPV6, FOR_THIS_HOST_BUT_ICMPV6, packets);
  }

  private static PacketHold begin(
      int index, String interfaceName, int protocol, long[][] filter, Consumer<byte[]> packets)
      throws IOException {
    // Protocol 0: sees nothing before the filter is in place.
    FileDescriptorHandle socket =
        PacketSocket.open(PacketSocket.AF_PACKET, PacketSocket.SOCK_DGRAM, 0);
    try {
      PacketSocket.attachFilter(socket, filter);
      PacketSocket.receiveBuffer(socket, BUFFER_BYTES);
      PacketSocket.bind(socket, protocol, index);
      return new PacketHold(socket, Doorbell.create(), interfaceName, packets);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** From now on packets are given away as they come, those that are there at once. */
  public void flow() {
    synchronized (doorbell) {
      if (!flowing) {
        flowing = true;
        thread.start();
      }
    }
  }

  /**
   * Ends. Packets that arrived before are given away first; after it returns, none is. Again does
   * nothing.
   */
  @Override
  public void close() {
    flow();
    synchronized (doorbell) {
      if (done.getCount() > 0) {
        doorbell.ring();
      }
    }
    boolean interrupted = false;
    while (true) {
      try {
        done.await();
        break;
      } catch (InterruptedException e) {
        // It must not return while packets are given away.
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static long[][] filter(ServiceAddress address) {
    return new long[][] {
      {LOAD_WORD, 0, 0, PACKET_TYPE},
      {JUMP_EQUAL, 3, 0, 4},
      {LOAD_WORD, 0, 0, DESTINATION_OFFSET},
      {JUMP_EQUAL, 0, 1, address.number() & 0xffffffffL},
      {RETURN, 0, 0, LARGEST_PACKET},
      {RETURN, 0, 0, 0},
    };
  }

  private void run(Consumer<byte[]> packets) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(LARGEST_PACKET);
      boolean rung = false;
      while (!rung) {
        rung = doorbell.await(socket, Duration.ofHours(1)) == Doorbell.Outcome.RUNG;
        // After the ring, what has arrived: it was kept from its socket and is nowhere else.
        int most = rung ? MOST_AFTER_RING : 1;
        for (int i = 0; i < most && receive(buffer, packets); i++) {}
      }
    } catch (SystemCallException e) {
      log.warn("Packets are no longer held: {}", e.getMessage());
    } finally {
      synchronized (doorbell) {
        done.countDown();
      }
      // Here and not in close(): the kernel waits until all processors have let go of the socket,
      // some
      // milliseconds for which nobody else should wait.
      socket.close();
      doorbell.close();
    }
  }

  /** Gives the next packet away, if there is one. */
  private boolean receive(MemorySegment buffer, Consumer<byte[]> packets)
      throws SystemCallException {
    int length = PacketSocket.receive(socket, buffer);
    if (length < 0) {
      return false;
    }
    byte[] packet = buffer.asSlice(0, length).toArray(JAVA_BYTE);
    try {
      packets.accept(packet);
    } catch (RuntimeException e) {
      // Its sender will send it again; the next ones must not be lost for it.
      log.warn("A held packet of {} bytes was not taken", length, e);
    }
    return true;
  }
}
