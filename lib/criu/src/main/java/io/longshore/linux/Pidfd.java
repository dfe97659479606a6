package io.longshore.linux;

import java.time.Duration;

/**
 * A process held by a descriptor, so that its pid cannot come to mean another process.
 *
 * <p>pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), poll(2).
 */
public final class Pidfd implements AutoCloseable {
  /** Signals of signal(7) that the agents send; the same on x86-64 and arm64. */
  public static final int SIGKILL = 9;

  public static final int SIGTERM = 15;
  public static final int SIGCONT = 18;
  public static final int SIGSTOP = 19;

  // Since 5.x every architecture gets the same number for a new call (asm-generic/unistd.h).
  private static final long SYS_PIDFD_SEND_SIGNAL = 424;
  private static final long SYS_PIDFD_OPEN = 434;
  private static final long SYS_PIDFD_GETFD = 438;

  private final int pid;
  private final FileDescriptorHandle descriptor;

  private Pidfd(int pid, FileDescriptorHandle descriptor) {
    this.pid = pid;
    this.descriptor = descriptor;
  }

  /**
   * Opens process {@code pid}; a zombie can be opened too.
   *
   * @throws SystemCallException {@code ESRCH} if there is none, {@code EINVAL} if it is a thread
   */
  public static Pidfd open(int pid) throws SystemCallException {
    long result = SystemCalls.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0);
    if (result < 0) {
      throw new SystemCallException("pidfd_open(" + pid + ")", (int) -result);
    }
    return new Pidfd(pid, FileDescriptorHandle.own((int) result));
  }

  /** The pid it was opened with; once the process has been reaped, the number means nothing. */
  public int pid() {
    return pid;
  }

  /**
   * Sends a signal; 0 only asks whether that is possible.
   *
   * @throws SystemCallException {@code ESRCH} if the process has been reaped
   */
  public void signal(int signal) throws SystemCallException {
    long result = SystemCalls.syscall(SYS_PIDFD_SEND_SIGNAL, descriptor.number(), signal, 0, 0);
    if (result < 0) {
      throw new SystemCallException(
          "pidfd_send_signal(pid " + pid + ", signal " + signal + ")", (int) -result);
    }
  }

  /**
   * Duplicates the process's descriptor into this process. The process does not take part: it may
   * be stopped or frozen. Both then share one open file, with its offset and flags. Needs the right
   * to ptrace it.
   *
   * @throws SystemCallException {@code EBADF} if it has no such descriptor
   */
  public FileDescriptorHandle duplicateDescriptor(int remoteDescriptor) throws SystemCallException {
    long result = SystemCalls.syscall(SYS_PIDFD_GETFD, descriptor.number(), remoteDescriptor, 0, 0);
    if (result < 0) {
      throw new SystemCallException(
          "pidfd_getfd(pid " + pid + ", descriptor " + remoteDescriptor + ")", (int) -result);
    }
    return FileDescriptorHandle.own((int) result);
  }

  /**
   * Waits until the process has ended: all its threads; reaped or not.
   *
   * @return false if the time was over first
   */
  public boolean awaitExit(Duration timeout) throws SystemCallException {
    return Poll.await(Poll.POLLIN, timeout, descriptor.number()) != 0;
  }

  @Override
  public void close() {
    descriptor.close();
  }

  @Override
  public String toString() {
    return "pidfd of " + pid;
  }
}
