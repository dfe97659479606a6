package io.longshore.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The restartable sequence that a thread is in; rseq(2), linux/rseq.h. A thread that is interrupted
 * in one is sent by the kernel to where it starts over. The kernel would not do so if the thread
 * was made to run elsewhere in between.
 */
final class RestartableSequence {
  private static final long OFFSET_OF_RSEQ_CS = 8;
  private static final long STRUCT_RSEQ_CS_BYTES = 32;

  private RestartableSequence() {}

  /**
   * Whether an instruction of a stopped thread is in its sequence.
   *
   * @param registered address of its {@code struct rseq}, 0 if it has none
   */
  static boolean contains(ProcessMemoryReader reader, int pid, long registered, long instruction)
      throws IOException {
    if (registered == 0) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(8);
      if (reader.read(pid, registered + OFFSET_OF_RSEQ_CS, pointer) < pointer.byteSize()) {
        return false;
      }
      long description = pointer.get(JAVA_LONG_UNALIGNED, 0);
      MemorySegment sequence = arena.allocate(STRUCT_RSEQ_CS_BYTES);
      if (description == 0 || reader.read(pid, description, sequence) < sequence.byteSize()) {
        return false;
      }
      long start = sequence.get(JAVA_LONG_UNALIGNED, 8);
      long length = sequence.get(JAVA_LONG_UNALIGNED, 16);
      return Long.compareUnsigned(instruction - start, length) < 0;
    }
  }
}
