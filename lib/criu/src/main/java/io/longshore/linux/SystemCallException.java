package io.longshore.linux;

import java.io.IOException;

/** A system call failed; the message names the call, its arguments and the error. */
public final class SystemCallException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String call;
  private final int errno;

  /**
   * @param call the call as one would write it, with its arguments: {@code pidfd_open(4711)}
   * @param errno the positive error number it left, see {@link Errno}
   */
  public SystemCallException(String call, int errno) {
    super(call + " failed: " + Errno.describe(errno));
    this.call = call;
    this.errno = errno;
  }

  /** The call with its arguments. */
  public String call() {
    return call;
  }

  /** The error number, one of {@link Errno} or another. */
  public int errno() {
    return errno;
  }
}
