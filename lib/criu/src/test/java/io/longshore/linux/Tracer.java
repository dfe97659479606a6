package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Holds a process in a ptrace stop as CRIU does: seized and interrupted; ptrace(2). */
final class Tracer implements AutoCloseable {
  private static final int PTRACE_SEIZE = 0x4206;
  private static final int PTRACE_INTERRUPT = 0x4207;
  private static final int PTRACE_DETACH = 17;

  private static final MethodHandle PTRACE =
      NativeCall.bindVariadic(
          "ptrace", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG), 1);

  // Only the thread that attached may speak to the tracee; when it ends the tracee runs on.
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().name("tracer").factory());
  private final int pid;

  private Tracer(int pid) {
    this.pid = pid;
  }

  static Tracer attachTo(int pid) throws Exception {
    Tracer tracer = new Tracer(pid);
    tracer.ask(PTRACE_SEIZE);
    tracer.ask(PTRACE_INTERRUPT);
    return tracer;
  }

  int pid() {
    return pid;
  }

  void detach() throws Exception {
    ask(PTRACE_DETACH);
  }

  private void ask(int request) throws ExecutionException, InterruptedException {
    thread
        .submit(
            () -> {
              try (Arena arena = Arena.ofConfined()) {
                MemorySegment state = NativeCall.callState(arena);
                long result = call(state, request);
                if (result != 0) {
                  throw new SystemCallException(
                      "ptrace(0x%x, %d)".formatted(request, pid), NativeCall.errno(state));
                }
              }
              return null;
            })
        .get();
  }

  private long call(MemorySegment state, int request) {
    try {
      return (long) PTRACE.invokeExact(state, request, pid, 0L, 0L);
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** Ends the tracing thread, which lets the tracee go as a killed CRIU does. */
  @Override
  public void close() {
    thread.close();
  }
}
