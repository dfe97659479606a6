package io.longshore.linux;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Owns one file descriptor of this process and closes it once.
 *
 * <p>{@link #close} may be called from any thread, but not while another thread is using the
 * number: it may be given out again at once. Whoever shares a handle between threads must order
 * that.
 */
public final class FileDescriptorHandle implements AutoCloseable {
  private static final int CLOSED = -1;

  private final AtomicInteger number;

  private FileDescriptorHandle(int number) {
    this.number = new AtomicInteger(number);
  }

  /** Takes ownership of the open descriptor {@code number}. */
  public static FileDescriptorHandle own(int number) {
    if (number < 0) {
      throw new IllegalArgumentException("not a file descriptor: " + number);
    }
    return new FileDescriptorHandle(number);
  }

  /** Opens a file for reading, closed on exec; open(2). */
  public static FileDescriptorHandle openForReading(Path path) throws SystemCallException {
    int result = SystemCalls.open(path.toString(), SystemCalls.O_RDONLY | SystemCalls.O_CLOEXEC);
    if (result < 0) {
      throw new SystemCallException("open(" + path + ", O_RDONLY)", -result);
    }
    return own(result);
  }

  /**
   * The descriptor's number.
   *
   * @throws IllegalStateException if it is closed
   */
  public int number() {
    int current = number.get();
    if (current == CLOSED) {
      throw new IllegalStateException("the file descriptor is closed");
    }
    return current;
  }

  /** Whether {@link #close} has not been called. */
  public boolean isOpen() {
    return number.get() != CLOSED;
  }

  /** Closes the descriptor; again does nothing. close(2) */
  @Override
  public void close() {
    int current = number.getAndSet(CLOSED);
    if (current != CLOSED) {
      // Its error would report a lost write, and nothing here writes through a cache.
      int _ = SystemCalls.close(current);
    }
  }

  @Override
  public String toString() {
    return "fd " + number.get();
  }
}
