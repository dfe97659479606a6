package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;

/**
 * The numbers that a network namespace has for others: what ip(8) calls {@code link-netnsid}.
 * linux/net_namespace.h, rtnetlink(7).
 */
final class NamespaceIds {
  private static final int AF_NETLINK = 16;
  private static final int NETLINK_ROUTE = 0;
  private static final short ERROR = 2;
  private static final short NEW_ID = 88;
  private static final short GET_ID = 90;
  private static final short REQUEST = 1;
  private static final short ID = 1;
  private static final short DESCRIPTOR = 3;
  private static final int HEADER_BYTES = 16;
  private static final int FAMILY_BYTES = 4;

  private NamespaceIds() {}

  /**
   * The number that the calling thread's namespace has for another one.
   *
   * @return empty if it has none: no device leads there
   */
  static OptionalInt of(NetworkNamespace other) throws IOException {
    ByteBuffer request = ByteBuffer.allocate(28).order(ByteOrder.nativeOrder());
    request.putInt(28).putShort(GET_ID).putShort(REQUEST).putInt(1).putInt(0);
    request.putInt(0);
    request.putShort((short) 8).putShort(DESCRIPTOR).putInt(other.descriptor());
    FileDescriptorHandle socket =
        PacketSocket.open(AF_NETLINK, PacketSocket.SOCK_RAW, NETLINK_ROUTE);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment kernel = arena.allocate(12, 4);
      kernel.set(JAVA_SHORT, 0, (short) AF_NETLINK);
      PacketSocket.send(socket, request.array(), kernel);
      MemorySegment buffer = arena.allocate(4096);
      int length = PacketSocket.receive(socket, buffer);
      ByteBuffer answer =
          buffer.asSlice(0, Math.max(0, length)).asByteBuffer().order(ByteOrder.nativeOrder());
      return read(answer);
    } finally {
      socket.close();
    }
  }

  private static OptionalInt read(ByteBuffer answer) throws IOException {
    if (answer.remaining() >= HEADER_BYTES + FAMILY_BYTES) {
      short type = answer.getShort(4);
      if (type == ERROR) {
        throw new SystemCallException("RTM_GETNSID", -answer.getInt(HEADER_BYTES));
      }
      for (int at = HEADER_BYTES + FAMILY_BYTES; at + 8 <= answer.limit() && type == NEW_ID; ) {
        if (answer.getShort(at + 2) == ID) {
          int id = answer.getInt(at + 4);
          return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
        }
        at += Math.max(4, (answer.getShort(at) + 3) & ~3);
      }
    }
    throw new IOException("the kernel did not say which number a network namespace has");
  }
}
