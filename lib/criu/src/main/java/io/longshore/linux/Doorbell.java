package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.time.Duration;

/**
 * Lets a thread wait for a descriptor until another thread tells it to stop; eventfd(2), poll(2).
 *
 * <p>{@link #ring} may be called from any thread and is remembered: every later {@link #await}
 * returns at once, until {@link #silence}. {@link #close} only when no thread waits.
 */
public final class Doorbell implements AutoCloseable {
  private static final MethodHandle EVENTFD =
      NativeCall.bind("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

  private final FileDescriptorHandle event;

  /** Why a wait ended; a ring comes before readiness. */
  public enum Outcome {
    /** The descriptor can be read, or has an error that a read will tell. */
    READY,
    /** {@link Doorbell#ring} was called. */
    RUNG,
    /** The time was over. */
    TIMED_OUT
  }

  private Doorbell(FileDescriptorHandle event) {
    this.event = event;
  }

  /** Makes a doorbell that has not been rung. */
  public static Doorbell create() throws SystemCallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(arena);
      int result =
          (int) EVENTFD.invokeExact(state, 0, SystemCalls.O_CLOEXEC | SystemCalls.O_NONBLOCK);
      if (result == -1) {
        throw new SystemCallException("eventfd(0)", NativeCall.errno(state));
      }
      return new Doorbell(FileDescriptorHandle.own(result));
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /** Ends the present wait and every later one. */
  public void ring() {
    // EAGAIN means that the counter is full: it was rung before.
    long _ = SystemCalls.writeLong(event.number(), 1);
  }

  /** Forgets that it was rung, so that it can be waited for again. */
  public void silence() {
    try (Arena arena = Arena.ofConfined()) {
      long _ = SystemCalls.read(event.number(), arena.allocate(Long.BYTES));
    }
  }

  /** To be waited for together with others, in a {@link PollSet}. */
  public FileDescriptorHandle descriptor() {
    return event;
  }

  /** Waits until {@code descriptor} is readable, the bell rings, or the time is over. */
  public Outcome await(FileDescriptorHandle descriptor, Duration timeout)
      throws SystemCallException {
    int ready = Poll.await(Poll.POLLIN, timeout, event.number(), descriptor.number());
    if ((ready & 1) != 0) {
      return Outcome.RUNG;
    }
    return ready == 0 ? Outcome.TIMED_OUT : Outcome.READY;
  }

  @Override
  public void close() {
    event.close();
  }
}
