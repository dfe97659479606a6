package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntFunction;

/**
 * The memory of one process, filled from outside while it runs: a userfaultfd(2) whose ranges are
 * registered for missing pages. Linux and linux/userfaultfd.h.
 *
 * <p>A thread that touches a missing page waits until {@link #copy}, {@link #zero} or {@link #wake}
 * end its wait. Changes of the address space are events: a thread that makes one waits until it was
 * read, and from its start until then {@link #copy} and {@link #zero} answer {@link Errno#EAGAIN}.
 * Closing the last descriptor of it makes the kernel fill with zeros what is still missing.
 *
 * <p>Thread-safe, but for {@link #readEvents}, which one thread calls, and {@link #close}, after
 * which nothing may be called.
 */
public final class Userfaultfd implements AutoCloseable {
  /** Events of a change of the address space: {@code UFFD_FEATURE_EVENT_*} in userfaultfd.h. */
  static final long EVENT_FORK = 1 << 1;

  static final long EVENT_REMAP = 1 << 2;
  static final long EVENT_REMOVE = 1 << 3;
  static final long EVENT_UNMAP = 1 << 6;

  static final StructLayout UFFDIO_REGISTER_ARGUMENT =
      MemoryLayout.structLayout(
          JAVA_LONG.withName("start"),
          JAVA_LONG.withName("len"),
          JAVA_LONG.withName("mode"),
          JAVA_LONG.withName("ioctls"));
  static final StructLayout UFFDIO_COPY_ARGUMENT =
      MemoryLayout.structLayout(
          JAVA_LONG.withName("dst"),
          JAVA_LONG.withName("src"),
          JAVA_LONG.withName("len"),
          JAVA_LONG.withName("mode"),
          JAVA_LONG.withName("copy"));
  static final StructLayout UFFDIO_ZEROPAGE_ARGUMENT =
      MemoryLayout.structLayout(
          JAVA_LONG.withName("start"),
          JAVA_LONG.withName("len"),
          JAVA_LONG.withName("mode"),
          JAVA_LONG.withName("zeropage"));
  static final StructLayout UFFDIO_RANGE =
      MemoryLayout.structLayout(JAVA_LONG.withName("start"), JAVA_LONG.withName("len"));

  /** {@code struct uffd_msg}: the kind of an event, 8 bytes on its arguments. */
  public static final int MESSAGE_BYTES = 32;

  private static final int READ = 2;
  private static final int READ_WRITE = 3;
  private static final long REGISTER = request(READ_WRITE, 0x00, UFFDIO_REGISTER_ARGUMENT);
  private static final long WAKE = request(READ, 0x02, UFFDIO_RANGE);
  private static final long COPY = request(READ_WRITE, 0x03, UFFDIO_COPY_ARGUMENT);
  private static final long ZEROPAGE = request(READ_WRITE, 0x04, UFFDIO_ZEROPAGE_ARGUMENT);
  private static final long MODE_MISSING = 1;

  /** With five levels of page tables. */
  private static final int MOST_ADDRESS_BITS = 56;

  /** Lower ones are no process's (vm.mmap_min_addr is at most that by default). */
  private static final long LOWEST_ADDRESS = 1 << 16;

  /** How many events are read at once. */
  public static final int MOST_EVENTS = 16;

  private final FileDescriptorHandle descriptor;
  private final ConcurrentLinkedQueue<Call> calls = new ConcurrentLinkedQueue<>();
  private final MemorySegment messages = Arena.ofAuto().allocate(MOST_EVENTS * MESSAGE_BYTES, 8);

  /** What happened in the process. Addresses are of bytes, ends are exclusive. */
  public sealed interface Event {
    /** A thread waits for the page of an address. */
    record Fault(long address) implements Event {}

    /** The process forked: the child's memory, with the same ranges and the same pages missing. */
    record Fork(Userfaultfd child) implements Event {}

    /** A range was moved. */
    record Remap(long from, long to, long length) implements Event {}

    /** The pages of a range are about to be dropped: it reads as zeros from now on. */
    record Remove(long start, long end) implements Event {}

    /** A range is gone. */
    record Unmap(long start, long end) implements Event {}
  }

  private Userfaultfd(FileDescriptorHandle descriptor) {
    this.descriptor = descriptor;
  }

  /** Takes over one that was made, and set up, by the process itself. */
  public static Userfaultfd own(FileDescriptorHandle descriptor) {
    return new Userfaultfd(descriptor);
  }

  /** Makes one for this process's own memory, with all events but forks. */
  public static Userfaultfd open() throws SystemCallException {
    long result =
        SystemCalls.syscall(
            UserfaultfdFacts.number(), SystemCalls.O_CLOEXEC | SystemCalls.O_NONBLOCK, 0, 0, 0);
    if (result < 0) {
      throw new SystemCallException("userfaultfd(O_CLOEXEC|O_NONBLOCK)", (int) -result);
    }
    FileDescriptorHandle made = FileDescriptorHandle.own((int) result);
    try (Arena arena = Arena.ofConfined()) {
      UserfaultfdFacts.handshake(arena, made, EVENT_REMAP | EVENT_REMOVE | EVENT_UNMAP);
      return new Userfaultfd(made);
    } catch (SystemCallException e) {
      made.close();
      throw e;
    }
  }

  /** Makes the missing pages of a range wait; both multiples of the page size. */
  public void register(long start, long length) throws SystemCallException {
    Call call = call();
    call.argument.set(JAVA_LONG, 0, start);
    call.argument.set(JAVA_LONG, 8, length);
    call.argument.set(JAVA_LONG, 16, MODE_MISSING);
    int result = call.ioctl(REGISTER);
    calls.add(call);
    if (result < 0) {
      throw new SystemCallException("UFFDIO_REGISTER(0x%x, %d)".formatted(start, length), -result);
    }
  }

  /**
   * Fills missing pages and wakes who waits for them.
   *
   * @param address where, a multiple of the page size
   * @param content off-heap, a multiple of the page size; pages of one mapping
   * @return bytes filled, from {@code address} on, at least one page; or minus {@code errno} of the
   *     first page: {@link Errno#EEXIST} it is not missing, {@link Errno#EAGAIN} the address space
   *     is being changed, {@link Errno#ENOENT} it is not registered or content goes beyond its
   *     mapping, {@link Errno#ESRCH} the process is gone
   */
  public long copy(long address, MemorySegment content) {
    Call call = call();
    call.argument.set(JAVA_LONG, 0, address);
    call.argument.set(JAVA_LONG, 8, content.address());
    call.argument.set(JAVA_LONG, 16, content.byteSize());
    call.argument.set(JAVA_LONG, 24, 0);
    call.argument.set(JAVA_LONG, 32, 0);
    int result = call.ioctl(COPY);
    long done = call.argument.get(JAVA_LONG, 32);
    calls.add(call);
    return result == 0 || done > 0 ? done : result;
  }

  /** As {@link #copy}, with zeros. */
  public long zero(long address, long length) {
    Call call = call();
    call.argument.set(JAVA_LONG, 0, address);
    call.argument.set(JAVA_LONG, 8, length);
    call.argument.set(JAVA_LONG, 16, 0);
    call.argument.set(JAVA_LONG, 24, 0);
    int result = call.ioctl(ZEROPAGE);
    long done = call.argument.get(JAVA_LONG, 24);
    calls.add(call);
    return result == 0 || done > 0 ? done : result;
  }

  /** Lets who waits for pages of a range look again; nothing if the process is gone. */
  public void wake(long address, long length) {
    Call call = call();
    call.argument.set(JAVA_LONG, 0, address);
    call.argument.set(JAVA_LONG, 8, length);
    int _ = call.ioctl(WAKE);
    calls.add(call);
  }

  /** Lets every thread of the process that waits for a page look again. */
  public void wakeAll() {
    Call call = call();
    int result = -Errno.EINVAL;
    // The kernel refuses a range that goes beyond what a process can have, and tells nobody how far
    // that is (arch/*/include/asm/processor.h).
    for (int bits = MOST_ADDRESS_BITS; result == -Errno.EINVAL && bits > 32; bits--) {
      call.argument.set(JAVA_LONG, 0, LOWEST_ADDRESS);
      call.argument.set(JAVA_LONG, 8, (1L << bits) - PageSize.BYTES - LOWEST_ADDRESS);
      result = call.ioctl(WAKE);
    }
    calls.add(call);
  }

  /**
   * Reads what happened; returns at once. The process goes on with the change that an event is
   * about as soon as the event is read.
   *
   * @return the next events in order, at most {@link #MOST_EVENTS}; empty if there are none
   */
  public List<Event> readEvents() throws SystemCallException {
    return readEvents(messages);
  }

  /**
   * As {@link #readEvents()}, and what the kernel said is in {@code room} from the moment on at
   * which the process can go on: where that is memory of a file, no end of this process loses it.
   *
   * @param room for {@link #MOST_EVENTS} messages, all of it touched before
   */
  public List<Event> readEvents(MemorySegment room) throws SystemCallException {
    long read = SystemCalls.read(descriptor.number(), room);
    if (read == -Errno.EAGAIN || read == -Errno.EINTR) {
      return List.of();
    }
    if (read < 0) {
      throw new SystemCallException("read(userfaultfd)", (int) -read);
    }
    List<Event> events = new ArrayList<>();
    for (long at = 0; at + MESSAGE_BYTES <= read; at += MESSAGE_BYTES) {
      events.add(
          event(
              room.asSlice(at, MESSAGE_BYTES),
              child -> new Userfaultfd(FileDescriptorHandle.own(child))));
    }
    return events;
  }

  /**
   * What a message says.
   *
   * @param message of {@link #MESSAGE_BYTES}, as {@link #readEvents(MemorySegment)} left it
   * @param children the memory of a child by its descriptor's number in the process that read
   */
  public static Event event(MemorySegment message, IntFunction<Userfaultfd> children) {
    long first = message.get(JAVA_LONG, 8);
    long second = message.get(JAVA_LONG, 16);
    int kind = Byte.toUnsignedInt(message.get(JAVA_BYTE, 0));
    return switch (kind) {
      case 0x12 -> new Event.Fault(second);
      case 0x13 -> new Event.Fork(children.apply(message.get(JAVA_INT, 8)));
      case 0x14 -> new Event.Remap(first, second, message.get(JAVA_LONG, 24));
      case 0x15 -> new Event.Remove(first, second);
      case 0x16 -> new Event.Unmap(first, second);
      default -> throw new IllegalStateException("userfaultfd reports an unknown event " + kind);
    };
  }

  /** To be waited for with {@link PollSet}, and held by a second process. */
  public FileDescriptorHandle descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }

  @Override
  public String toString() {
    return "userfaultfd on " + descriptor;
  }

  private Call call() {
    Call ready = calls.poll();
    return ready != null ? ready : new Call();
  }

  private static long request(int direction, int number, StructLayout argument) {
    return ((long) direction << 30) | (argument.byteSize() << 16) | (0xAAL << 8) | number;
  }

  /** Memory for one call at a time, used again: filling is too frequent to allocate each time. */
  private final class Call {
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment state = NativeCall.callState(arena);
    private final MemorySegment argument = arena.allocate(UFFDIO_COPY_ARGUMENT);

    int ioctl(long request) {
      return SystemCalls.ioctl(state, descriptor.number(), request, argument);
    }
  }
}
