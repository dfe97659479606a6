package io.longshore.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Tells which files of one directory have been written to the end; inotify(7), {@code
 * IN_CLOSE_WRITE} and {@code IN_MOVED_TO}.
 *
 * <p>Files that were complete before {@link #of} returns are not told; list the directory after it.
 * {@link #next} by one thread at a time, {@link #close} from any.
 */
public final class CloseWriteWatch implements AutoCloseable {
  private static final int IN_CLOSE_WRITE = 0x8;
  private static final int IN_MOVED_TO = 0x80;
  private static final int IN_Q_OVERFLOW = 0x4000;
  private static final int IN_IGNORED = 0x8000;
  private static final int IN_ONLYDIR = 0x0100_0000;

  /** struct inotify_event: wd, mask, cookie, len, then len bytes of name filled up with zeros. */
  private static final int HEADER = 16;

  private static final int MASK = 4;
  private static final int LENGTH = 12;
  private static final int BUFFER = 64 * 1024;

  private static final MethodHandle INIT =
      NativeCall.bind("inotify_init1", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle ADD_WATCH =
      NativeCall.bind(
          "inotify_add_watch", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));

  private final Path directory;
  private final FileDescriptorHandle inotify;
  private final Doorbell doorbell;
  private final ReentrantLock inUse = new ReentrantLock();
  private volatile boolean closed;

  private CloseWriteWatch(Path directory, FileDescriptorHandle inotify, Doorbell doorbell) {
    this.directory = directory;
    this.inotify = inotify;
    this.doorbell = doorbell;
  }

  /** Watches {@code directory} from now on. */
  public static CloseWriteWatch of(Path directory) throws SystemCallException {
    FileDescriptorHandle inotify = null;
    Doorbell doorbell = null;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result = (int) INIT.invokeExact(state, SystemCalls.O_CLOEXEC | SystemCalls.O_NONBLOCK);
      if (result == -1) {
        throw new SystemCallException("inotify_init1()", NativeCall.errno(state));
      }
      inotify = FileDescriptorHandle.own(result);
      result =
          (int)
              ADD_WATCH.invokeExact(
                  state,
                  result,
                  arena.allocateFrom(directory.toString()),
                  IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
      if (result == -1) {
        throw new SystemCallException(
            "inotify_add_watch(" + directory + ")", NativeCall.errno(state));
      }
      doorbell = Doorbell.create();
      return new CloseWriteWatch(directory, inotify, doorbell);
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    } finally {
      if (doorbell == null && inotify != null) {
        inotify.close();
      }
    }
  }

  /**
   * Waits for files to be complete.
   *
   * @return names within the directory, in order, a name again if the file was written again; empty
   *     if the time was over
   * @throws ClosedChannelException if the watch is or gets closed
   * @throws IOException if names were lost because they were not fetched in time (list the
   *     directory), or the directory was removed
   */
  public List<String> next(Duration timeout) throws IOException {
    inUse.lock();
    try (Arena arena = Arena.ofConfined()) {
      if (closed) {
        throw new ClosedChannelException();
      }
      return switch (doorbell.await(inotify, timeout)) {
        case RUNG -> throw new ClosedChannelException();
        case TIMED_OUT -> List.of();
        case READY -> read(arena.allocate(BUFFER, Integer.BYTES));
      };
    } finally {
      inUse.unlock();
    }
  }

  private List<String> read(MemorySegment buffer) throws IOException {
    long bytes = SystemCalls.read(inotify.number(), buffer);
    if (bytes == -Errno.EAGAIN || bytes == -Errno.EINTR) {
      return List.of();
    }
    if (bytes < 0) {
      throw new SystemCallException("read(inotify of " + directory + ")", (int) -bytes);
    }
    List<String> names = new ArrayList<>();
    for (long at = 0; at < bytes; ) {
      int mask = buffer.get(JAVA_INT, at + MASK);
      int length = buffer.get(JAVA_INT, at + LENGTH);
      if ((mask & IN_Q_OVERFLOW) != 0) {
        throw new IOException(
            "names of complete files in " + directory + " were lost, fetch them sooner");
      }
      if ((mask & IN_IGNORED) != 0) {
        throw new IOException("the watched directory " + directory + " has been removed");
      }
      if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0 && length > 0) {
        names.add(buffer.getString(at + HEADER));
      }
      at += HEADER + length;
    }
    return names;
  }

  /** Stops; a {@link #next} that waits throws at once. Again does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      doorbell.ring();
    }
    inUse.lock();
    try {
      inotify.close();
      doorbell.close();
    } finally {
      inUse.unlock();
    }
  }
}
