package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;

/**
 * Changes sets of nftables in one atomic step and at once: nft(8) would take 10 to 20 ms, and
 * longer on a busy machine, while clients wait. linux/netfilter/nf_tables.h, nfnetlink.h.
 */
final class NftSets {
  static final byte INET = 1;
  static final byte ARP = 3;

  private static final int AF_NETLINK = 16;
  private static final int NETLINK_NETFILTER = 12;
  private static final int HEADER_BYTES = 16;
  private static final short ERROR = 2;
  private static final short BATCH_BEGIN = 0x10;
  private static final short BATCH_END = 0x11;
  private static final short NFTABLES = 10;
  private static final short NEW_ELEMENTS = NFTABLES << 8 | 12;
  private static final short REQUEST = 0x1;
  private static final short ACKNOWLEDGE = 0x4;
  private static final short CREATE = 0x400;
  private static final short NESTED = (short) 0x8000;
  private static final short TABLE = 1;
  private static final short SET = 2;
  private static final short ELEMENTS = 3;
  private static final short ELEMENT = 1;
  private static final short KEY = 1;
  private static final short VALUE = 1;
  private static final int ANSWER_BYTES = 8192;

  private NftSets() {}

  /**
   * A set of IPv4 addresses.
   *
   * @param family {@link #INET} or {@link #ARP}
   */
  record AddressSet(byte family, String table, String name) {}

  /** Adds addresses to sets. Those that they have already are no harm. */
  static void add(List<AddressSet> sets, Collection<ServiceAddress> addresses) throws IOException {
    ByteBuffer batch =
        ByteBuffer.allocate(1024 * (sets.size() + 1) + 32 * sets.size() * addresses.size())
            .order(ByteOrder.nativeOrder());
    message(batch, BATCH_BEGIN, REQUEST, (byte) 0, NFTABLES, () -> {});
    for (AddressSet set : sets) {
      short flags = REQUEST | ACKNOWLEDGE | CREATE;
      message(
          batch, NEW_ELEMENTS, flags, set.family, (short) 0, () -> elements(batch, set, addresses));
    }
    message(batch, BATCH_END, REQUEST, (byte) 0, NFTABLES, () -> {});
    byte[] bytes = new byte[batch.flip().remaining()];
    batch.get(bytes);
    FileDescriptorHandle socket =
        PacketSocket.open(AF_NETLINK, PacketSocket.SOCK_RAW, NETLINK_NETFILTER);
    try (Arena arena = Arena.ofConfined()) {
      PacketSocket.send(socket, bytes, kernel(arena));
      awaitAnswers(socket, arena.allocate(ANSWER_BYTES), sets);
    } finally {
      socket.close();
    }
  }

  /** The kernel has answered when the batch was sent. */
  private static void awaitAnswers(
      FileDescriptorHandle socket, MemorySegment buffer, List<AddressSet> sets) throws IOException {
    for (int answers = 0; answers < sets.size(); ) {
      int length = PacketSocket.receive(socket, buffer);
      if (length < 0) {
        throw new IOException("nftables did not say whether it changed " + sets);
      }
      ByteBuffer in = buffer.asSlice(0, length).asByteBuffer().order(ByteOrder.nativeOrder());
      while (in.remaining() >= HEADER_BYTES + Integer.BYTES) {
        int end = in.position() + Math.max(HEADER_BYTES, in.getInt(in.position()));
        if (in.getShort(in.position() + 4) == ERROR) {
          int error = -in.getInt(in.position() + HEADER_BYTES);
          if (error != 0) {
            throw new SystemCallException("changing the nftables sets " + sets, error);
          }
          answers++;
        }
        in.position(Math.min(in.limit(), end));
      }
    }
  }

  private static void elements(
      ByteBuffer out, AddressSet set, Collection<ServiceAddress> addresses) {
    attribute(out, TABLE, () -> text(out, set.table));
    attribute(out, SET, () -> text(out, set.name));
    attribute(
        out,
        (short) (ELEMENTS | NESTED),
        () -> {
          for (ServiceAddress address : addresses) {
            attribute(
                out,
                (short) (ELEMENT | NESTED),
                () ->
                    attribute(
                        out,
                        (short) (KEY | NESTED),
                        () ->
                            attribute(out, VALUE, () -> out.put(address.address().getAddress()))));
          }
        });
  }

  private static void message(
      ByteBuffer out, short type, short flags, byte family, short resource, Runnable content) {
    int start = out.position();
    out.putInt(0).putShort(type).putShort(flags).putInt(start).putInt(0);
    out.put(family).put((byte) 0);
    out.put((byte) (resource >> 8)).put((byte) resource);
    content.run();
    out.putInt(start, out.position() - start);
  }

  private static void attribute(ByteBuffer out, short type, Runnable content) {
    int start = out.position();
    out.putShort((short) 0).putShort(type);
    content.run();
    out.putShort(start, (short) (out.position() - start));
    while (out.position() % 4 != 0) {
      out.put((byte) 0);
    }
  }

  private static void text(ByteBuffer out, String text) {
    out.put(text.getBytes(StandardCharsets.US_ASCII)).put((byte) 0);
  }

  /** A sockaddr_nl of the kernel. */
  private static MemorySegment kernel(Arena arena) {
    MemorySegment address = arena.allocate(12, 4);
    address.set(JAVA_SHORT, 0, (short) AF_NETLINK);
    return address;
  }
}
