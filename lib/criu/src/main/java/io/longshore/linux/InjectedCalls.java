package io.longshore.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;

/**
 * Makes a running process call the kernel; ptrace(2).
 *
 * <p>One of its threads is stopped for the calls, a fraction of a millisecond, and then goes on as
 * if nothing had happened: a system call that it was in is restarted by the kernel as after a
 * SIGSTOP and SIGCONT, a stopped process stays stopped, signals wait. Nothing is written into its
 * memory. Its seccomp filters do not see the calls.
 *
 * <p>What cannot be done safely is not done, and the process not touched: it is traced by somebody
 * else, has ended, sleeps uninterruptibly, is frozen, or runs 32-bit code. A child of this process
 * is left alone as well: the JVM waits for each of its children and would take the stop for the
 * end.
 *
 * <p>Should this process be killed during that fraction of a millisecond, the other is lost.
 */
final class InjectedCalls {
  private static final int MOST_TRIES = 8;
  private static final long ALL_SIGNALS = -1;

  private final Architecture.Registers places = Architecture.ofThisMachine().registers();
  private final TracedThread thread;
  private final byte[] before;
  private final long instruction;

  /** What is to be called. */
  @FunctionalInterface
  interface Body<T> {
    T run(InjectedCalls calls) throws IOException;
  }

  private InjectedCalls(TracedThread thread, byte[] before, long instruction) {
    this.thread = thread;
    this.before = before;
    this.instruction = instruction;
  }

  /**
   * Runs {@code body} while a thread of the process is stopped.
   *
   * @param limit how long to wait for one to stop
   * @throws IOException if that is not possible; the process is as it was
   */
  static <T> T in(int pid, Duration limit, Body<T> body) throws IOException {
    if (TaskReader.read(pid).parentPid() == ProcessHandle.current().pid()) {
      throw new IOException("process " + pid + " is a child of this one");
    }
    long instruction = CallInstruction.find(pid);
    IOException failure = new IOException("process " + pid + " has no threads");
    long deadline = System.nanoTime() + Durations.nanoseconds(limit);
    int tries = 0;
    for (int thread : ProcFiles.numbers(ProcFiles.of(pid, "task"))) {
      Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
      if (tries++ == MOST_TRIES || (tries > 1 && left.isZero())) {
        break;
      }
      try {
        return TracingThread.run(() -> stopped(pid, thread, left, instruction, body));
      } catch (NotStoppedException e) {
        failure = e;
      }
    }
    throw failure;
  }

  /** The process has not been changed. */
  private static final class NotStoppedException extends IOException {
    private static final long serialVersionUID = 1L;

    NotStoppedException(String message) {
      super(message);
    }

    NotStoppedException(IOException cause) {
      super(cause.getMessage(), cause);
    }
  }

  private static <T> T stopped(
      int pid, int threadId, Duration limit, long instruction, Body<T> body) throws IOException {
    try (ProcessMemoryReader reader = new ProcessMemoryReader();
        TracedThread thread = seize(pid, threadId)) {
      byte[] before = stop(reader, pid, threadId, thread, limit);
      if (before.length != Architecture.ofThisMachine().registers().size()
          || !CallInstruction.isAt(reader, pid, instruction)) {
        thread.detach();
        throw new NotStoppedException("process " + pid + " runs other code than it did");
      }
      long blocked = thread.blockedSignals();
      T result;
      thread.blockSignals(ALL_SIGNALS);
      try {
        result = body.run(new InjectedCalls(thread, before, instruction));
      } finally {
        thread.setRegisters(Architecture.ofThisMachine().resumable(before));
        thread.stopAgain();
        thread.blockSignals(blocked);
        thread.detach();
        if (thread.stopSignalHeldBack()) {
          try (Pidfd process = Pidfd.open(pid)) {
            process.signal(Pidfd.SIGSTOP);
          }
        }
      }
      return result;
    }
  }

  private static TracedThread seize(int pid, int thread) throws IOException {
    try {
      return TracedThread.seize(pid, thread);
    } catch (IOException e) {
      throw new NotStoppedException(e);
    }
  }

  /** Stops it outside of a restartable sequence; returns its registers. */
  private static byte[] stop(
      ProcessMemoryReader reader, int pid, int threadId, TracedThread thread, Duration limit)
      throws IOException {
    boolean stopped;
    try {
      stopped = thread.stop(limit);
    } catch (IOException e) {
      throw new NotStoppedException(e);
    }
    if (!stopped) {
      throw new NotStoppedException(
          "thread %d of process %d did not stop within %s".formatted(threadId, pid, limit));
    }
    Architecture.Registers places = Architecture.ofThisMachine().registers();
    for (int tries = 0; tries < MOST_TRIES; tries++) {
      byte[] registers = thread.registers();
      if (registers.length != places.size()
          || !RestartableSequence.contains(
              reader,
              pid,
              thread.restartableSequences(),
              words(registers).getLong(places.instruction()))) {
        return registers;
      }
      // By the next stop the kernel has sent it out of the sequence.
      thread.stopAgain();
    }
    thread.detach();
    throw new NotStoppedException("process " + pid + " does not leave a restartable sequence");
  }

  /**
   * Makes one call.
   *
   * @return what it returned, or minus {@code errno}
   */
  long call(long number, long first) throws IOException {
    byte[] changed = before.clone();
    ByteBuffer registers = words(changed);
    if (places.interrupted() >= 0) {
      registers.putLong(places.interrupted(), -1);
    }
    registers.putLong(places.instruction(), instruction);
    registers.putLong(places.number(), number);
    registers.putLong(places.first(), first);
    registers.putLong(places.second(), 0);
    registers.putLong(places.third(), 0);
    thread.setRegisters(changed);
    thread.runToSystemCall();
    thread.runToSystemCall();
    return words(thread.registers()).getLong(places.result());
  }

  private static ByteBuffer words(byte[] registers) {
    return ByteBuffer.wrap(registers).order(ByteOrder.nativeOrder());
  }
}
