package io.longshore.linux.network;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.longshore.linux.NativeCall;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * A network namespace of one thread and of the threads and processes that it starts; unshare(2). It
 * is gone when the last of them and of their sockets is.
 */
public final class NetworkNamespace {
  private static final int CLONE_NEWNET = 0x4000_0000;
  private static final MethodHandle UNSHARE =
      NativeCall.bind("unshare", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

  private NetworkNamespace() {}

  /**
   * Puts the calling platform thread into a new, empty one. There is no way back: the thread must
   * end soon and do nothing else.
   *
   * @throws SystemCallException {@code EPERM} without the right to
   */
  public static void enterNew() throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result = (int) UNSHARE.invokeExact(state, CLONE_NEWNET);
      if (result == -1) {
        throw new SystemCallException("unshare(CLONE_NEWNET)", NativeCall.errno(state));
      }
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** Adds an Ethernet interface that is up and leads nowhere: one end of a veth pair. */
  public static void addInterface(String name) throws IOException {
    Program.run(
        List.of("ip", "link", "add", "name", name, "type", "veth", "peer", "name", name + "-0"),
        "");
    Program.run(List.of("ip", "link", "set", "dev", "lo", "up"), "");
    Program.run(List.of("ip", "link", "set", "dev", name + "-0", "up"), "");
    Program.run(List.of("ip", "link", "set", "dev", name, "up"), "");
  }
}
