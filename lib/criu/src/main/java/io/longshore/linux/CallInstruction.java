package io.longshore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.List;

/**
 * The instruction that calls the kernel, where a process has it already: in the vdso, vdso(7),
 * which every process has unless it is switched off, or in its C library. So nothing is ever
 * written into its code.
 */
final class CallInstruction {
  private static final int CHUNK = 1 << 16;

  private CallInstruction() {}

  /**
   * Finds one.
   *
   * @throws IOException if there is none, or the process has ended
   */
  static long find(int pid) throws IOException {
    List<Mapping> code =
        Mappings.read(pid).stream()
            .filter(mapping -> mapping.readable() && mapping.executable())
            .filter(mapping -> !mapping.path().equals("[vsyscall]"))
            .sorted(Comparator.comparing(mapping -> !mapping.path().equals("[vdso]")))
            .toList();
    try (Arena arena = Arena.ofConfined();
        ProcessMemoryReader reader = new ProcessMemoryReader()) {
      MemorySegment chunk = arena.allocate(CHUNK);
      for (Mapping mapping : code) {
        for (long from = mapping.start(); from < mapping.end(); from += CHUNK) {
          MemorySegment wanted = chunk.asSlice(0, Math.min(CHUNK, mapping.end() - from));
          int read = (int) reader.read(pid, from, wanted);
          byte[] bytes = wanted.asSlice(0, read).toArray(ValueLayout.JAVA_BYTE);
          int at = Architecture.ofThisMachine().findCall(bytes);
          if (at >= 0) {
            return from + at;
          }
        }
      }
    }
    throw new IOException("process " + pid + " has no code that calls the kernel");
  }
}
