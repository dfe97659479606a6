package io.longshore.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;

/**
 * Memory straight from the kernel, whose pages can be given back one by one; mmap(2), madvise(2),
 * munmap(2).
 *
 * <p>It takes room only where it has been written, and reads as zeros elsewhere. Usable from
 * several threads; {@link #close} makes every use of {@link #segment} throw, in all threads.
 */
public final class AnonymousMemory implements AutoCloseable {
  private static final int PROT_READ_WRITE = 1 | 2;
  private static final int MAP_PRIVATE = 0x2;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MADV_DONTNEED = 4;
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_NOHUGEPAGE = 15;
  private static final int MADV_POPULATE_WRITE = 23;

  private static final MethodHandle MMAP =
      NativeCall.bind(
          "mmap",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      NativeCall.bind("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle MADVISE =
      NativeCall.bind("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

  private final Arena arena;
  private final MemorySegment segment;

  /** How the memory is set up. */
  public enum Option {
    /** Huge pages where the kernel has them; else small ones, whatever the system's default is. */
    HUGE_PAGES,
    /** All of it at once in memory, instead of at the first write. */
    POPULATE
  }

  private AnonymousMemory(Arena arena, MemorySegment segment) {
    this.arena = arena;
    this.segment = segment;
  }

  /** As {@link #map(long, Set)}. */
  public static AnonymousMemory map(long bytes, Option... options) throws SystemCallException {
    Set<Option> set = EnumSet.noneOf(Option.class);
    set.addAll(Set.of(options));
    return map(bytes, set);
  }

  /**
   * Maps {@code bytes}, rounded up to pages, at a multiple of {@link PageSize#HUGE_BYTES}.
   *
   * @throws SystemCallException {@code ENOMEM} if the kernel refuses or, with {@link
   *     Option#POPULATE}, has not that much
   */
  public static AnonymousMemory map(long bytes, Set<Option> options) throws SystemCallException {
    if (bytes <= 0) {
      throw new IllegalArgumentException("cannot map " + bytes + " bytes");
    }
    long length = roundUp(bytes, PageSize.BYTES);
    long start = mapAligned(length);
    Arena arena = Arena.ofShared();
    MemorySegment segment =
        MemorySegment.ofAddress(start)
            .reinterpret(length, arena, gone -> unmap(gone.address(), length));
    AnonymousMemory memory = new AnonymousMemory(arena, segment);
    try {
      memory.advise(
          0, length, options.contains(Option.HUGE_PAGES) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
      if (options.contains(Option.POPULATE)) {
        memory.advise(0, length, MADV_POPULATE_WRITE);
      }
      return memory;
    } catch (SystemCallException e) {
      memory.close();
      throw e;
    }
  }

  /** All of it. */
  public MemorySegment segment() {
    return segment;
  }

  /** Bytes, a multiple of the page size. */
  public long byteSize() {
    return segment.byteSize();
  }

  /**
   * Gives pages back to the kernel; they read as zeros afterwards. A part of a huge page is given
   * back when the kernel splits it, at the latest with the last of its pages.
   *
   * @param offset a multiple of the page size
   * @param length a multiple of the page size
   */
  public void discard(long offset, long length) throws SystemCallException {
    Objects.checkFromIndexSize(offset, length, segment.byteSize());
    if (offset % PageSize.BYTES != 0 || length % PageSize.BYTES != 0) {
      throw new IllegalArgumentException(
          "can only discard whole pages, not " + length + " bytes at " + offset);
    }
    if (length > 0) {
      advise(offset, length, MADV_DONTNEED);
    }
  }

  private void advise(long offset, long length, int advice) throws SystemCallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(call);
      int result =
          (int) MADVISE.invokeExact(state, segment.asSlice(offset, length), length, advice);
      // Without CONFIG_TRANSPARENT_HUGEPAGE advice on huge pages is unknown, and not needed.
      if (result == -1 && !(isAboutHugePages(advice) && NativeCall.errno(state) == Errno.EINVAL)) {
        throw new SystemCallException(
            "madvise(0x%x, %d, %d)".formatted(segment.address() + offset, length, advice),
            NativeCall.errno(state));
      }
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  private static boolean isAboutHugePages(int advice) {
    return advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE;
  }

  /** mmap(2) only promises a page's alignment, so it maps more and cuts off both ends. */
  private static long mapAligned(long length) throws SystemCallException {
    long whole = Math.addExact(length, PageSize.HUGE_BYTES);
    long start;
    try (Arena call = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(call);
      start =
          (long)
              MMAP.invokeExact(
                  state, 0L, whole, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
      if (start == -1) {
        throw new SystemCallException(
            "mmap(" + whole + " bytes, MAP_PRIVATE|MAP_ANONYMOUS)", NativeCall.errno(state));
      }
    } catch (SystemCallException e) {
      throw e;
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
    long aligned = roundUp(start, PageSize.HUGE_BYTES);
    long head = aligned - start;
    if (head > 0) {
      unmap(start, head);
    }
    unmap(aligned + length, PageSize.HUGE_BYTES - head);
    return aligned;
  }

  private static void unmap(long address, long length) {
    if (length == 0) {
      return;
    }
    try (Arena call = Arena.ofConfined()) {
      MemorySegment state = NativeCall.callState(call);
      int result = (int) MUNMAP.invokeExact(state, address, length);
      if (result == -1) {
        throw new IllegalStateException(
            "munmap(0x%x, %d) failed: %s"
                .formatted(address, length, Errno.describe(NativeCall.errno(state))));
      }
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  private static long roundUp(long value, long unit) {
    return Math.addExact(value, unit - 1) & -unit;
  }

  /** Unmaps it. Again does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
