package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The Ethernet devices of the calling thread's network namespace and the addresses of all its
 * devices; rtnetlink(7). {@link java.net.NetworkInterface} takes those of IPv6 from {@code
 * /proc/net}, so from the namespace of the JVM's first thread.
 */
final class LocalAddresses {
  private static final int AF_NETLINK = 16;
  private static final int NETLINK_ROUTE = 0;
  private static final int HEADER_BYTES = 16;
  private static final short REQUEST_DUMP = 0x301;
  private static final short ERROR = 2;
  private static final short DONE = 3;
  private static final short GET_LINK = 18;
  private static final short GET_ADDRESS = 22;
  private static final int LINK_BYTES = 16;
  private static final int ADDRESS_BYTES = 8;
  private static final short ETHERNET = 1;
  private static final int UP = 1;
  private static final short LINK_ADDRESS = 1;
  private static final short LINK_NAME = 3;

  /** Of a point-to-point connection the other end's, else the same as the next. */
  private static final short ADDRESS = 1;

  private static final short LOCAL = 2;
  private static final int BUFFER_BYTES = 1 << 16;

  private LocalAddresses() {}

  /**
   * An Ethernet device that is up.
   *
   * @param hardware six bytes in the order in which they are sent
   * @param addresses of both families
   */
  @SuppressWarnings("ArrayRecordComponent") // Never changed, never a key.
  record Device(int index, String name, byte[] hardware, List<InetAddress> addresses) {}

  /** All Ethernet devices that are up, so not loopback. */
  static List<Device> devices() throws IOException {
    Map<Integer, List<InetAddress>> addresses = byDevice();
    List<Device> devices = new ArrayList<>();
    dump(
        GET_LINK,
        LINK_BYTES,
        (header, attributes) -> {
          int index = header.getInt(4);
          byte[] hardware = attributes.get(LINK_ADDRESS);
          byte[] name = attributes.get(LINK_NAME);
          if (header.getShort(2) == ETHERNET
              && (header.getInt(8) & UP) != 0
              && hardware != null
              && hardware.length == 6
              && name != null) {
            String text =
                new String(name, 0, name.length - 1, java.nio.charset.StandardCharsets.UTF_8);
            devices.add(
                new Device(index, text, hardware, addresses.getOrDefault(index, List.of())));
          }
        });
    return devices;
  }

  /** Whether a device has the address. */
  static boolean contain(InetAddress address) throws IOException {
    return byDevice().values().stream().anyMatch(found -> found.contains(address));
  }

  private static Map<Integer, List<InetAddress>> byDevice() throws IOException {
    Map<Integer, List<InetAddress>> found = new HashMap<>();
    dump(
        GET_ADDRESS,
        ADDRESS_BYTES,
        (header, attributes) ->
            Optional.ofNullable(attributes.getOrDefault(LOCAL, attributes.get(ADDRESS)))
                .ifPresent(
                    bytes ->
                        found
                            .computeIfAbsent(header.getInt(4), index -> new ArrayList<>())
                            .add(address(bytes))));
    return found;
  }

  private static InetAddress address(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (java.net.UnknownHostException e) {
      throw new IllegalStateException("the kernel has an address of " + bytes.length + " bytes", e);
    }
  }

  /** Gives away each answer's own header and its attributes. */
  private static void dump(
      short request, int headerBytes, BiConsumer<ByteBuffer, Map<Short, byte[]>> answers)
      throws IOException {
    int length = HEADER_BYTES + headerBytes;
    ByteBuffer message = ByteBuffer.allocate(length).order(ByteOrder.nativeOrder());
    message.putInt(length).putShort(request).putShort(REQUEST_DUMP).putInt(1).putInt(0);
    FileDescriptorHandle socket =
        PacketSocket.open(AF_NETLINK, PacketSocket.SOCK_RAW, NETLINK_ROUTE);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment kernel = arena.allocate(12, 4);
      kernel.set(JAVA_SHORT, 0, (short) AF_NETLINK);
      PacketSocket.send(socket, message.array(), kernel);
      MemorySegment buffer = arena.allocate(BUFFER_BYTES, 4);
      boolean done = false;
      while (!done) {
        int received = PacketSocket.receive(socket, buffer);
        if (received < 0) {
          throw new IOException("the kernel did not say which devices and addresses there are");
        }
        done = read(buffer.asSlice(0, received).toArray(JAVA_BYTE), headerBytes, answers);
      }
    } finally {
      socket.close();
    }
  }

  /** Whether that was all. */
  private static boolean read(
      byte[] bytes, int headerBytes, BiConsumer<ByteBuffer, Map<Short, byte[]>> answers)
      throws SystemCallException {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    for (int at = 0; at + HEADER_BYTES <= bytes.length; ) {
      int length = in.getInt(at);
      short type = in.getShort(at + 4);
      if (type == DONE) {
        return true;
      }
      if (type == ERROR) {
        throw new SystemCallException("asking rtnetlink", -in.getInt(at + HEADER_BYTES));
      }
      int content = at + HEADER_BYTES;
      ByteBuffer header = in.slice(content, headerBytes).order(ByteOrder.nativeOrder());
      answers.accept(header, attributes(in, content + headerBytes, at + length));
      at += Math.max(HEADER_BYTES, (length + 3) & ~3);
    }
    return false;
  }

  private static Map<Short, byte[]> attributes(ByteBuffer in, int from, int to) {
    Map<Short, byte[]> attributes = new HashMap<>();
    for (int at = from; at + 4 <= to; ) {
      int length = in.getShort(at) & 0xffff;
      byte[] value = new byte[Math.max(0, length - 4)];
      in.get(at + 4, value);
      attributes.put(in.getShort(at + 2), value);
      at += Math.max(4, (length + 3) & ~3);
    }
    return attributes;
  }
}
