package io.longshore.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A stream socket of unix(7) over which processes hand over open descriptors ({@code SCM_RIGHTS}),
 * which Java's own sockets cannot. One thread at a time, but for {@link #close}.
 */
public final class DescriptorSocket implements AutoCloseable {
  /** Bytes of a path that {@code sockaddr_un} holds, without the final zero. */
  public static final int LONGEST_PATH = 107;

  static final StructLayout MSGHDR =
      MemoryLayout.structLayout(
          JAVA_LONG.withName("msg_name"),
          JAVA_LONG.withName("msg_namelen"),
          JAVA_LONG.withName("msg_iov"),
          JAVA_LONG.withName("msg_iovlen"),
          JAVA_LONG.withName("msg_control"),
          JAVA_LONG.withName("msg_controllen"),
          JAVA_LONG.withName("msg_flags"));

  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM = 1;
  private static final int SOL_SOCKET = 1;
  private static final int SCM_RIGHTS = 1;
  private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int BACKLOG = 4;

  /** {@code CMSG_SPACE(sizeof(int))}: cmsg_len, cmsg_level, cmsg_type, one descriptor, padding. */
  private static final int CONTROL_BYTES = 24;

  /** {@code CMSG_LEN(sizeof(int))}. */
  private static final int CONTROL_LENGTH = 20;

  private static final MethodHandle SOCKET =
      NativeCall.bind("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle BIND =
      NativeCall.bind("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle LISTEN =
      NativeCall.bind("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle ACCEPT =
      NativeCall.bind(
          "accept4", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  private static final MethodHandle RECVMSG =
      NativeCall.bind("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

  private static final MethodHandle SENDMSG =
      NativeCall.bind("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

  private final FileDescriptorHandle descriptor;

  private DescriptorSocket(FileDescriptorHandle descriptor) {
    this.descriptor = descriptor;
  }

  /**
   * Listens at a path, in whose folder only its owner must be able to look. What is at the path is
   * removed.
   *
   * @throws SystemCallException if the path is too long or its folder is missing
   */
  public static DescriptorSocket listen(Path path) throws IOException {
    byte[] name = path.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8);
    if (name.length > LONGEST_PATH) {
      throw new IOException(
          "the path of a socket can have %d bytes; choose a shorter work-folder: %s"
              .formatted(LONGEST_PATH, path));
    }
    Files.deleteIfExists(path);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int made = (int) SOCKET.invokeExact(state, AF_UNIX, SOCK_STREAM | SystemCalls.O_CLOEXEC, 0);
      check(made, state, "socket(AF_UNIX)");
      FileDescriptorHandle handle = FileDescriptorHandle.own(made);
      try {
        MemorySegment address = arena.allocate(2 + name.length + 1L);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, 2, name.length);
        check(
            (int) BIND.invokeExact(state, made, address, (int) address.byteSize()),
            state,
            "bind(" + path + ")");
        check((int) LISTEN.invokeExact(state, made, BACKLOG), state, "listen(" + path + ")");
        return new DescriptorSocket(handle);
      } catch (SystemCallException e) {
        handle.close();
        throw e;
      }
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** Takes the next connection; waits for it. */
  public DescriptorSocket accept() throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result =
          (int) ACCEPT.invokeExact(state, descriptor.number(), 0L, 0L, SystemCalls.O_CLOEXEC);
      check(result, state, "accept4(unix socket)");
      return new DescriptorSocket(FileDescriptorHandle.own(result));
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /**
   * Receives a number of 32 bits in this machine's byte order.
   *
   * @return empty if the other side has closed the connection
   */
  public Optional<Integer> receiveInt() throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(JAVA_INT);
      long received = 0;
      while (received < Integer.BYTES) {
        long more = SystemCalls.read(descriptor.number(), number.asSlice(received));
        if (more == -Errno.EINTR) {
          continue;
        }
        if (more < 0) {
          throw new SystemCallException("read(unix socket)", (int) -more);
        }
        if (more == 0) {
          return Optional.empty();
        }
        received += more;
      }
      return Optional.of(number.get(JAVA_INT, 0));
    }
  }

  /**
   * Receives one byte and the descriptor that comes with it.
   *
   * @throws SystemCallException {@code EBADF} if none came with it
   */
  public FileDescriptorHandle receiveDescriptor() throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      MemorySegment vector = arena.allocate(ProcessMemoryReader.IOVEC);
      vector.set(JAVA_LONG, 0, arena.allocate(1).address());
      vector.set(JAVA_LONG, 8, 1);
      MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
      MemorySegment header = arena.allocate(MSGHDR);
      header.set(JAVA_LONG, 16, vector.address());
      header.set(JAVA_LONG, 24, 1);
      header.set(JAVA_LONG, 32, control.address());
      header.set(JAVA_LONG, 40, CONTROL_BYTES);
      long received =
          (long) RECVMSG.invokeExact(state, descriptor.number(), header, MSG_CMSG_CLOEXEC);
      if (received < 0) {
        throw new SystemCallException("recvmsg(unix socket)", NativeCall.errno(state));
      }
      if (header.get(JAVA_LONG, 40) < CONTROL_BYTES - 4
          || control.get(JAVA_INT, 8) != SOL_SOCKET
          || control.get(JAVA_INT, 12) != SCM_RIGHTS) {
        throw new SystemCallException("recvmsg(unix socket) brought no descriptor", Errno.EBADF);
      }
      return FileDescriptorHandle.own(control.get(JAVA_INT, 16));
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /**
   * Sends one byte.
   *
   * @throws SystemCallException {@code EPIPE} if the other side is gone
   */
  public void send(byte word) throws SystemCallException {
    send(word, MemorySegment.NULL);
  }

  /**
   * Sends one byte and a duplicate of a descriptor: from when it returns the other side has it,
   * whatever becomes of this process.
   *
   * @throws SystemCallException {@code EPIPE} if the other side is gone
   */
  public void send(byte word, FileDescriptorHandle passed) throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
      control.set(JAVA_LONG, 0, CONTROL_LENGTH);
      control.set(JAVA_INT, 8, SOL_SOCKET);
      control.set(JAVA_INT, 12, SCM_RIGHTS);
      control.set(JAVA_INT, 16, passed.number());
      send(word, control);
    }
  }

  private void send(byte word, MemorySegment control) throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      MemorySegment content = arena.allocate(1);
      content.set(JAVA_BYTE, 0, word);
      MemorySegment vector = arena.allocate(ProcessMemoryReader.IOVEC);
      vector.set(JAVA_LONG, 0, content.address());
      vector.set(JAVA_LONG, 8, 1);
      MemorySegment header = arena.allocate(MSGHDR);
      header.set(JAVA_LONG, 16, vector.address());
      header.set(JAVA_LONG, 24, 1);
      header.set(JAVA_LONG, 32, control.address());
      header.set(JAVA_LONG, 40, control.byteSize());
      long sent;
      do {
        sent = (long) SENDMSG.invokeExact(state, descriptor.number(), header, MSG_NOSIGNAL);
      } while (sent < 0 && NativeCall.errno(state) == Errno.EINTR);
      if (sent < 0) {
        throw new SystemCallException("sendmsg(unix socket)", NativeCall.errno(state));
      }
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** To wait for a connection, or for what one brings. */
  public FileDescriptorHandle descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }

  private static void check(int result, MemorySegment state, String call)
      throws SystemCallException {
    if (result == -1) {
      throw new SystemCallException(call, NativeCall.errno(state));
    }
  }
}
