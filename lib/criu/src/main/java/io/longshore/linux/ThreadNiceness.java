package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.ThreadFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much of a busy processor a thread gets beside others; setpriority(2), which on Linux is per
 * thread. Platform threads only: a virtual thread would change its carrier.
 */
public final class ThreadNiceness {
  /** For bulk work: gives way at once to whoever has something to do. */
  public static final int BULK = 5;

  public static final int NORMAL = 0;

  /** For short work that a tenant's thread waits for. */
  public static final int URGENT = -10;

  private static final Logger log = LoggerFactory.getLogger(ThreadNiceness.class);
  private static final int PRIO_PROCESS = 0;
  private static final MethodHandle SETPRIORITY =
      NativeCall.bind("setpriority", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));

  private ThreadNiceness() {}

  /**
   * Platform threads with a niceness.
   *
   * @param name of the threads, before a number
   */
  public static ThreadFactory threads(String name, int niceness) {
    ThreadFactory plain = Thread.ofPlatform().daemon().name(name + "-", 0).factory();
    return task -> plain.newThread(at(niceness, task));
  }

  /** One such thread with just this name, not started. */
  public static Thread thread(String name, int niceness, Runnable task) {
    return Thread.ofPlatform().daemon().name(name).unstarted(at(niceness, task));
  }

  private static Runnable at(int niceness, Runnable task) {
    return () -> {
      setForThisThread(niceness);
      task.run();
    };
  }

  /** Without the right to (CAP_SYS_NICE) it stays as it is: everything works, only slower. */
  public static void setForThisThread(int niceness) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result = (int) SETPRIORITY.invokeExact(state, PRIO_PROCESS, 0, niceness);
      if (result == -1) {
        log.debug("setpriority({}): {}", niceness, Errno.describe(NativeCall.errno(state)));
      }
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }
}
