package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.longshore.linux.Errno;
import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.NativeCall;
import io.longshore.linux.SystemCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Sockets that see or send whole packets: socket(2), packet(7), raw(7), setsockopt(2), sendto(2),
 * recv(2).
 */
final class PacketSocket {
  static final int AF_INET = 2;
  static final int AF_INET6 = 10;
  static final int AF_PACKET = 17;
  static final int SOCK_DGRAM = 2;
  static final int SOCK_RAW = 3;
  static final int IPPROTO_TCP = 6;
  static final int IPPROTO_RAW = 255;
  static final int ETH_P_IP = 0x0800;
  static final int ETH_P_ARP = 0x0806;
  static final int ETH_P_IPV6 = 0x86dd;
  static final int TCP_REPAIR = 19;

  /** linux/if_packet.h: struct sockaddr_ll. */
  static final StructLayout SOCKADDR_LL =
      MemoryLayout.structLayout(
          JAVA_SHORT.withName("sll_family"),
          JAVA_SHORT.withName("sll_protocol"),
          JAVA_INT.withName("sll_ifindex"),
          JAVA_SHORT.withName("sll_hatype"),
          JAVA_BYTE.withName("sll_pkttype"),
          JAVA_BYTE.withName("sll_halen"),
          MemoryLayout.sequenceLayout(8, JAVA_BYTE).withName("sll_addr"));

  static final int SOL_SOCKET = 1;
  static final int SO_PROTOCOL = 38;
  static final int SO_DOMAIN = 39;

  private static final int MSG_DONTWAIT = 0x40;
  private static final int ENETDOWN = 100;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SO_ATTACH_FILTER = 26;

  private static final MethodHandle SOCKET =
      NativeCall.bind("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle BIND =
      NativeCall.bind("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle SETSOCKOPT =
      NativeCall.bind(
          "setsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle GETSOCKOPT =
      NativeCall.bind(
          "getsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle RECV =
      NativeCall.bind(
          "recv", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle SENDTO =
      NativeCall.bind(
          "sendto",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

  private PacketSocket() {}

  static FileDescriptorHandle open(int family, int type, int protocol) throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result = (int) SOCKET.invokeExact(state, family, type | SOCK_CLOEXEC, protocol);
      check(result, "socket(%d, %d, %d)".formatted(family, type, protocol), state);
      return FileDescriptorHandle.own(result);
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /**
   * Attaches a filter of classic BPF, each instruction as code, jump if true, jump if false,
   * operand.
   */
  static void attachFilter(FileDescriptorHandle socket, long[][] instructions)
      throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      ByteBuffer program =
          ByteBuffer.allocate(instructions.length * 8).order(ByteOrder.nativeOrder());
      for (long[] instruction : instructions) {
        program
            .putShort((short) instruction[0])
            .put((byte) instruction[1])
            .put((byte) instruction[2])
            .putInt((int) instruction[3]);
      }
      MemorySegment code = arena.allocate(program.capacity(), 8);
      code.copyFrom(MemorySegment.ofArray(program.array()));
      // struct sock_fprog: length, padding, pointer.
      MemorySegment option = arena.allocate(16, 8);
      option.set(JAVA_SHORT, 0, (short) instructions.length);
      option.set(ADDRESS, 8, code);
      setOption(socket, SOL_SOCKET, SO_ATTACH_FILTER, option);
    }
  }

  /** Makes room for packets that arrive faster than they are read. */
  static void receiveBuffer(FileDescriptorHandle socket, int bytes) throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      setOption(socket, SOL_SOCKET, SO_RCVBUFFORCE, arena.allocateFrom(JAVA_INT, bytes));
    }
  }

  /** Binds a packet socket to an interface and lets it see packets of a protocol from now on. */
  static void bind(FileDescriptorHandle socket, int protocol, int interfaceIndex)
      throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      MemorySegment address = linkAddress(arena, protocol, interfaceIndex);
      int result =
          (int) BIND.invokeExact(state, socket.number(), address, (int) address.byteSize());
      check(result, "bind(packet socket, interface %d)".formatted(interfaceIndex), state);
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /**
   * Receives one packet, without waiting.
   *
   * @return its length, or -1 if there is none; that an interface went down, which packet(7) tells
   *     in place of a packet, is none
   */
  static int receive(FileDescriptorHandle socket, MemorySegment buffer) throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      long result =
          (long) RECV.invokeExact(state, socket.number(), buffer, buffer.byteSize(), MSG_DONTWAIT);
      if (result == -1) {
        switch (NativeCall.errno(state)) {
          case Errno.EAGAIN, Errno.EINTR, ENETDOWN -> {
            return -1;
          }
          default -> check(result, "recv(packet socket)", state);
        }
      }
      return (int) result;
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  static void send(FileDescriptorHandle socket, byte[] packet, MemorySegment address)
      throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      MemorySegment bytes = arena.allocateFrom(JAVA_BYTE, packet);
      long result =
          (long)
              SENDTO.invokeExact(
                  state,
                  socket.number(),
                  bytes,
                  bytes.byteSize(),
                  0,
                  address,
                  (int) address.byteSize());
      check(result, "sendto(%d bytes)".formatted(packet.length), state);
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** A sockaddr_ll. */
  static MemorySegment linkAddress(Arena arena, int protocol, int interfaceIndex) {
    MemorySegment address = arena.allocate(SOCKADDR_LL);
    address.set(JAVA_SHORT, 0, (short) AF_PACKET);
    address.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) protocol);
    address.set(JAVA_INT, 4, interfaceIndex);
    return address;
  }

  /** A sockaddr_in without port. */
  static MemorySegment internetAddress(Arena arena, int number) {
    MemorySegment address = arena.allocate(16, 4);
    address.set(JAVA_SHORT, 0, (short) AF_INET);
    address.set(JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), 4, number);
    return address;
  }

  /** A sockaddr_in6 without port and zone. */
  static MemorySegment internetAddress(Arena arena, byte[] ipv6) {
    MemorySegment address = arena.allocate(28, 4);
    address.set(JAVA_SHORT, 0, (short) AF_INET6);
    MemorySegment.copy(ipv6, 0, address, JAVA_BYTE, 8, 16);
    return address;
  }

  static int intOption(FileDescriptorHandle socket, int level, int option)
      throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      MemorySegment value = arena.allocate(JAVA_INT);
      MemorySegment length = arena.allocateFrom(JAVA_INT, 4);
      int result =
          (int) GETSOCKOPT.invokeExact(state, socket.number(), level, option, value, length);
      check(result, "getsockopt(%d, %d)".formatted(level, option), state);
      return value.get(JAVA_INT, 0);
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  static void setIntOption(FileDescriptorHandle socket, int level, int option, int value)
      throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      setOption(socket, level, option, arena.allocateFrom(JAVA_INT, value));
    }
  }

  private static void setOption(
      FileDescriptorHandle socket, int level, int option, MemorySegment value)
      throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result =
          (int)
              SETSOCKOPT.invokeExact(
                  state, socket.number(), level, option, value, (int) value.byteSize());
      check(result, "setsockopt(%d, %d)".formatted(level, option), state);
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  private static void check(long result, String call, MemorySegment state)
      throws SystemCallException {
    if (result == -1) {
      throw new SystemCallException(call, NativeCall.errno(state));
    }
  }
}
