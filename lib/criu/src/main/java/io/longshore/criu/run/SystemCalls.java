package io.longshore.criu.run;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/** mkfifo(3) and kill(2), which Java has no other way to call. */
final class SystemCalls {

  static final int SIGKILL = 9;
  static final int SIGSTOP = 19;

  private static final int ESRCH = 3;
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle MKFIFO =
      handle(
          "mkfifo",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  private static final MethodHandle KILL =
      handle(
          "kill",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private SystemCalls() {}

  /** Makes a FIFO that only this user can open. */
  static void makeFifo(Path path) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int result = (int) MKFIFO.invokeExact(state, arena.allocateFrom(path.toString()), 0600);
      if (result != 0) {
        throw new IOException(
            "mkfifo " + path + " failed with errno " + (int) ERRNO.get(state, 0L));
      }
    } catch (IOException failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }

  /** Sends a signal; false if there is no such process any more. */
  static boolean signal(long pid, int signal) throws IOException {
    if (pid <= 1) {
      throw new IllegalArgumentException("never to be signalled: " + pid);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int result = (int) KILL.invokeExact(state, (int) pid, signal);
      if (result == 0) {
        return true;
      }
      int errno = (int) ERRNO.get(state, 0L);
      if (errno == ESRCH) {
        return false;
      }
      throw new IOException("kill " + pid + " failed with errno " + errno);
    } catch (IOException failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }

  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        descriptor,
        Linker.Option.captureCallState("errno"));
  }
}
