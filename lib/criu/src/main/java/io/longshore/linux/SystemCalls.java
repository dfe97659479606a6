package io.longshore.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Calls on file descriptors that several classes need. Each returns what the call returned, or
 * minus {@code errno}, as the kernel itself does; the caller knows the arguments worth naming.
 */
final class SystemCalls {
  /** fcntl.h; the flags used here are the same on x86-64 and arm64. */
  static final int O_RDONLY = 0;

  static final int O_CLOEXEC = 0x80000;
  static final int O_NONBLOCK = 0x800;

  private static final MethodHandle OPEN =
      NativeCall.bindVariadic(
          "open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), 2);
  private static final MethodHandle CLOSE =
      NativeCall.bind("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle READ =
      NativeCall.bind("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle PREAD =
      NativeCall.bind(
          "pread", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle WRITE =
      NativeCall.bind("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle IOCTL =
      NativeCall.bindVariadic(
          "ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), 2);
  private static final MethodHandle SYSCALL =
      NativeCall.bindVariadic(
          "syscall",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
          1);

  private SystemCalls() {}

  /** open(2). */
  static int open(String path, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result = (int) OPEN.invokeExact(state, arena.allocateFrom(path), flags, 0);
      return result == -1 ? -NativeCall.errno(state) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** close(2); never repeated, the descriptor is gone whatever it returns. */
  static int close(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result = (int) CLOSE.invokeExact(state, descriptor);
      return result == -1 ? -NativeCall.errno(state) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** read(2) into all of {@code buffer}. */
  static long read(int descriptor, MemorySegment buffer) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      long result = (long) READ.invokeExact(state, descriptor, buffer, buffer.byteSize());
      return result == -1 ? -NativeCall.errno(state) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** pread(2) from the start of a file into all of {@code buffer}. */
  static long readFromStart(int descriptor, MemorySegment buffer) {
    return readAt(descriptor, buffer, 0);
  }

  /** pread(2) from an offset into all of {@code buffer}. */
  static long readAt(int descriptor, MemorySegment buffer, long offset) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      long result = (long) PREAD.invokeExact(state, descriptor, buffer, buffer.byteSize(), offset);
      return result == -1 ? -NativeCall.errno(state) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** write(2) of one native 64-bit number, as eventfd(2) wants it. */
  static long writeLong(int descriptor, long value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      MemorySegment buffer = arena.allocateFrom(ValueLayout.JAVA_LONG, value);
      long result = (long) WRITE.invokeExact(state, descriptor, buffer, buffer.byteSize());
      return result == -1 ? -NativeCall.errno(state) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** ioctl(2) with a caller-owned call state, for callers that must not allocate. */
  static int ioctl(MemorySegment state, int descriptor, long request, MemorySegment argument) {
    try {
      int result = (int) IOCTL.invokeExact(state, descriptor, request, argument);
      return result == -1 ? -NativeCall.errno(state) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /**
   * syscall(2), for calls that the C library may not wrap, or wraps for programs in C. Pointers are
   * addresses in memory that the caller keeps open.
   */
  static long syscall(long number, long first, long second, long third, long fourth) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      long result = (long) SYSCALL.invokeExact(state, number, first, second, third, fourth);
      return result == -1 ? -NativeCall.errno(state) : result;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }
}
