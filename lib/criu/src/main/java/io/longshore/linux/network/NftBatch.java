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

/**
 * Changes of nftables in one atomic step and at once: nft(8) would take 10 to 20 ms, and longer on
 * a busy machine, while clients wait. linux/netfilter/nf_tables.h, nfnetlink.h.
 */
final class NftBatch {
  static final byte INET = 1;
  static final byte ARP = 3;
  static final short NESTED = (short) 0x8000;

  /** A flag: make what is not there. */
  static final short CREATE = 0x400;

  private static final int AF_NETLINK = 16;
  private static final int NETLINK_NETFILTER = 12;
  private static final int HEADER_BYTES = 16;
  private static final short ERROR = 2;
  private static final short BATCH_BEGIN = 0x10;
  private static final short BATCH_END = 0x11;
  private static final short NFTABLES = 10;
  private static final short REQUEST = 0x1;
  private static final short ACKNOWLEDGE = 0x4;
  private static final int ANSWER_BYTES = 8192;

  private final String what;
  private final ByteBuffer out;
  private int changes;

  /**
   * @param what it is about, for messages
   * @param capacity bytes that all changes take at most
   */
  NftBatch(String what, int capacity) {
    this.what = what;
    this.out = ByteBuffer.allocate(capacity).order(ByteOrder.nativeOrder());
    message(BATCH_BEGIN, REQUEST, (byte) 0, NFTABLES, () -> {});
  }

  /**
   * Adds a change.
   *
   * @param kind NFT_MSG_...
   * @param flags besides those that every change has
   * @param content writes the attributes
   */
  void change(int kind, short flags, byte family, Runnable content) {
    changes++;
    message(
        (short) (NFTABLES << 8 | kind),
        (short) (REQUEST | ACKNOWLEDGE | flags),
        family,
        (short) 0,
        content);
  }

  void attribute(short type, Runnable content) {
    int start = out.position();
    out.putShort((short) 0).putShort(type);
    content.run();
    out.putShort(start, (short) (out.position() - start));
    while (out.position() % 4 != 0) {
      out.put((byte) 0);
    }
  }

  void text(short type, String text) {
    attribute(type, () -> out.put(text.getBytes(StandardCharsets.US_ASCII)).put((byte) 0));
  }

  void bytes(short type, byte[] bytes) {
    attribute(type, () -> out.put(bytes));
  }

  /** Makes all changes or none, in the calling thread's network namespace. */
  void send() throws IOException {
    message(BATCH_END, REQUEST, (byte) 0, NFTABLES, () -> {});
    byte[] bytes = new byte[out.flip().remaining()];
    out.get(bytes);
    FileDescriptorHandle socket =
        PacketSocket.open(AF_NETLINK, PacketSocket.SOCK_RAW, NETLINK_NETFILTER);
    try (Arena arena = Arena.ofConfined()) {
      PacketSocket.send(socket, bytes, kernel(arena));
      awaitAnswers(socket, arena.allocate(ANSWER_BYTES));
    } finally {
      socket.close();
    }
  }

  /** The kernel has answered when the batch was sent. */
  private void awaitAnswers(FileDescriptorHandle socket, MemorySegment buffer) throws IOException {
    for (int answers = 0; answers < changes; ) {
      int length = PacketSocket.receive(socket, buffer);
      if (length < 0) {
        throw new IOException("nftables did not say whether it changed " + what);
      }
      ByteBuffer in = buffer.asSlice(0, length).asByteBuffer().order(ByteOrder.nativeOrder());
      while (in.remaining() >= HEADER_BYTES + Integer.BYTES) {
        int end = in.position() + Math.max(HEADER_BYTES, in.getInt(in.position()));
        if (in.getShort(in.position() + 4) == ERROR) {
          int error = -in.getInt(in.position() + HEADER_BYTES);
          if (error != 0) {
            throw new SystemCallException("changing of nftables " + what, error);
          }
          answers++;
        }
        in.position(Math.min(in.limit(), end));
      }
    }
  }

  private void message(short type, short flags, byte family, short resource, Runnable content) {
    int start = out.position();
    out.putInt(0).putShort(type).putShort(flags).putInt(start).putInt(0);
    out.put(family).put((byte) 0);
    out.put((byte) (resource >> 8)).put((byte) resource);
    content.run();
    out.putInt(start, out.position() - start);
  }

  /** A sockaddr_nl of the kernel. */
  private static MemorySegment kernel(Arena arena) {
    MemorySegment address = arena.allocate(12, 4);
    address.set(JAVA_SHORT, 0, (short) AF_NETLINK);
    return address;
  }
}
