package io.longshore.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A process that fills memory with a pattern, tells where it is, and waits. */
final class PatternedMemory {
  private PatternedMemory() {}

  public static void main(String[] arguments) throws Exception {
    long bytes = Long.parseLong(arguments[0]);
    try (AnonymousMemory memory = AnonymousMemory.map(bytes)) {
      fill(memory.segment());
      System.out.println(memory.segment().address());
      while (System.in.read() >= 0) {
        // until the test closes it
      }
    }
  }

  /** The value of the long at each offset; never zero. */
  static long valueAt(long offset) {
    return (offset + 1) * 0x9E37_79B9_7F4A_7C15L | 1;
  }

  static void fill(MemorySegment segment) {
    for (long offset = 0; offset < segment.byteSize(); offset += 8) {
      segment.set(ValueLayout.JAVA_LONG, offset, valueAt(offset));
    }
  }

  /** Offset of the first wrong long of {@code read}, a copy from {@code start} on; -1 if none. */
  static long firstWrong(MemorySegment read, long start) {
    for (long offset = 0; offset < read.byteSize(); offset += 8) {
      if (read.get(ValueLayout.JAVA_LONG, offset) != valueAt(start + offset)) {
        return offset;
      }
    }
    return -1;
  }
}
