package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;

/**
 * One thread of another process, seized; ptrace(2), wait(2).
 *
 * <p>Only the thread that seized it may call, one platform thread that does nothing else. When that
 * ends, the kernel lets the traced one go; that is the only way to let go of one that did not stop.
 */
final class TracedThread implements AutoCloseable {
  private static final long PTRACE_CONT = 7;
  private static final long PTRACE_DETACH = 17;
  private static final long PTRACE_SYSCALL = 24;
  private static final long PTRACE_GETREGSET = 0x4204;
  private static final long PTRACE_SETREGSET = 0x4205;
  private static final long PTRACE_SEIZE = 0x4206;
  private static final long PTRACE_INTERRUPT = 0x4207;
  private static final long PTRACE_GETSIGMASK = 0x420a;
  private static final long PTRACE_SETSIGMASK = 0x420b;
  private static final long PTRACE_GET_RSEQ_CONFIGURATION = 0x420f;

  private static final long TRACESYSGOOD = 1;

  /** Its seccomp filters do not see what it calls for us. Linux 4.3, needs CAP_SYS_ADMIN. */
  private static final long SUSPEND_SECCOMP = 1 << 21;

  private static final int EVENT_STOP = 128;
  private static final int SYSCALL_STOP = 5 | 0x80;
  private static final int WNOHANG = 1;
  private static final int WAIT_ALL = 0x40000000;

  /** Not for children of the process's other threads: each tracer waits for its own. */
  private static final int WAIT_NO_THREAD = 0x20000000;

  private static final long NT_PRSTATUS = 1;
  private static final long LOOK_AGAIN = 20_000;

  private final Architecture architecture = Architecture.ofThisMachine();
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment status = arena.allocate(JAVA_INT);
  private final MemorySegment vector = arena.allocate(ProcessMemoryReader.IOVEC);
  private final MemorySegment number = arena.allocate(JAVA_LONG);
  private final int thread;
  private boolean stopSignalHeldBack;

  private TracedThread(int thread) {
    this.thread = thread;
  }

  /**
   * Begins to trace a thread, which runs on.
   *
   * @throws SystemCallException {@code ESRCH} if it is gone, {@code EPERM} if it is traced already,
   *     has ended, or has seccomp filters that cannot be suspended
   */
  static TracedThread seize(int process, int thread) throws IOException {
    TracedThread traced = new TracedThread(thread);
    long result = traced.ptrace(PTRACE_SEIZE, 0, TRACESYSGOOD | SUSPEND_SECCOMP);
    if (result < 0 && result != -Errno.ESRCH && !isFiltered(process, thread)) {
      result = traced.ptrace(PTRACE_SEIZE, 0, TRACESYSGOOD);
    }
    if (result < 0) {
      traced.arena.close();
      throw new SystemCallException("ptrace(PTRACE_SEIZE, " + thread + ")", (int) -result);
    }
    return traced;
  }

  private static boolean isFiltered(int process, int thread) throws IOException {
    String path = Integer.toString(thread);
    return !ProcFiles.text(ProcFiles.of(process, "task", path, "status"))
        .contains("\nSeccomp:\t0\n");
  }

  /**
   * Stops it where it is about to go back to its own code, whatever call it was in; or leaves it
   * alone if it does not come there in time, as from an uninterruptible wait.
   *
   * @return whether it has stopped
   * @throws SystemCallException {@code ESRCH} if it has ended
   */
  boolean stop(Duration limit) throws IOException {
    long deadline = System.nanoTime() + Durations.nanoseconds(limit);
    require(ptrace(PTRACE_INTERRUPT, 0, 0), "PTRACE_INTERRUPT");
    while (true) {
      OptionalInt stopped = await(deadline);
      if (stopped.isEmpty()) {
        return false;
      }
      if (isEventStop(stopped.getAsInt())) {
        return true;
      }
      // A signal on its way came first: it is delivered, then the thread stops.
      require(ptrace(PTRACE_CONT, 0, signal(stopped.getAsInt())), "PTRACE_CONT");
    }
  }

  /** From one stop to the next before it goes on, so that the kernel finishes what it was doing. */
  void stopAgain() throws IOException {
    require(ptrace(PTRACE_INTERRUPT, 0, 0), "PTRACE_INTERRUPT");
    resumeUntil(PTRACE_CONT, EVENT_STOP << 8);
  }

  /** Lets it run until it enters a system call or leaves it. No signal is delivered meanwhile. */
  void runToSystemCall() throws IOException {
    resumeUntil(PTRACE_SYSCALL, SYSCALL_STOP);
  }

  private void resumeUntil(long how, int wanted) throws IOException {
    while (true) {
      require(ptrace(how, 0, 0), "PTRACE_CONT");
      // Without a limit: it is not as it was, so it cannot be let go.
      int stopped = await(Long.MAX_VALUE).orElseThrow();
      if (isEventStop(stopped) ? wanted == EVENT_STOP << 8 : signal(stopped) == wanted) {
        return;
      }
      // All signals are blocked but SIGSTOP, which cannot be; it is sent again at the end.
      stopSignalHeldBack |= !isEventStop(stopped) && signal(stopped) == Pidfd.SIGSTOP;
    }
  }

  /** The registers; of a 32-bit thread they have another size. */
  byte[] registers() throws IOException {
    MemorySegment set = arena.allocate(512, 8);
    vector.set(JAVA_LONG, 0, set.address());
    vector.set(JAVA_LONG, 8, set.byteSize());
    require(ptrace(PTRACE_GETREGSET, NT_PRSTATUS, vector.address()), "PTRACE_GETREGSET");
    return set.asSlice(0, vector.get(JAVA_LONG, 8))
        .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
  }

  void setRegisters(byte[] registers) throws IOException {
    MemorySegment set = arena.allocate(registers.length, 8);
    set.copyFrom(MemorySegment.ofArray(registers));
    vector.set(JAVA_LONG, 0, set.address());
    vector.set(JAVA_LONG, 8, set.byteSize());
    require(ptrace(PTRACE_SETREGSET, NT_PRSTATUS, vector.address()), "PTRACE_SETREGSET");
  }

  /** The signals it has blocked, one bit each. */
  long blockedSignals() throws IOException {
    require(ptrace(PTRACE_GETSIGMASK, 8, number.address()), "PTRACE_GETSIGMASK");
    return number.get(JAVA_LONG, 0);
  }

  void blockSignals(long mask) throws IOException {
    number.set(JAVA_LONG, 0, mask);
    require(ptrace(PTRACE_SETSIGMASK, 8, number.address()), "PTRACE_SETSIGMASK");
  }

  /** Address of the {@code struct rseq} it has registered, rseq(2); 0 if none. */
  long restartableSequences() {
    MemorySegment configuration = arena.allocate(24, 8);
    long result =
        ptrace(PTRACE_GET_RSEQ_CONFIGURATION, configuration.byteSize(), configuration.address());
    // Older than Linux 5.13, or built without: nobody can use them there.
    return result < 0 ? 0 : configuration.get(JAVA_LONG, 0);
  }

  /** Lets it go on. */
  void detach() throws IOException {
    require(ptrace(PTRACE_DETACH, 0, 0), "PTRACE_DETACH");
  }

  /** Whether a SIGSTOP came that it has not seen. */
  boolean stopSignalHeldBack() {
    return stopSignalHeldBack;
  }

  private OptionalInt await(long deadline) throws IOException {
    boolean bounded = deadline != Long.MAX_VALUE;
    int options = WAIT_ALL | WAIT_NO_THREAD | (bounded ? WNOHANG : 0);
    while (true) {
      long result =
          SystemCalls.syscall(architecture.numbers().wait4(), thread, status.address(), options, 0);
      if (result == thread) {
        int found = status.get(JAVA_INT, 0);
        if ((found & 0x7f) != 0x7f) {
          throw new SystemCallException("wait4(" + thread + ")", Errno.ESRCH);
        }
        return OptionalInt.of(found);
      }
      if (result < 0 && result != -Errno.EINTR) {
        throw new SystemCallException("wait4(" + thread + ")", (int) -result);
      }
      if (bounded) {
        if (deadline - System.nanoTime() <= 0) {
          return OptionalInt.empty();
        }
        // wait(2) has no limit of its own.
        LockSupport.parkNanos(LOOK_AGAIN);
      }
    }
  }

  private static boolean isEventStop(int found) {
    return found >> 16 == EVENT_STOP;
  }

  private static int signal(int found) {
    return (found >> 8) & 0xff;
  }

  private void require(long result, String request) throws SystemCallException {
    if (result < 0) {
      throw new SystemCallException("ptrace(" + request + ", " + thread + ")", (int) -result);
    }
  }

  private long ptrace(long request, long address, long data) {
    return SystemCalls.syscall(architecture.numbers().ptrace(), request, thread, address, data);
  }

  @Override
  public void close() {
    arena.close();
  }
}
