package io.longshore.linux;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Clears the soft-dirty bits of a process, so that what is written from then on has them; proc(5)
 * {@code /proc/PID/clear_refs}, Documentation/admin-guide/mm/soft-dirty.rst. {@link PageMapEntries}
 * reads them.
 */
public final class SoftDirty {
  private SoftDirty() {}

  /** Clears all of a process. What is written between reading and clearing is lost. */
  public static void clear(int pid) throws IOException {
    Files.writeString(Path.of("/proc", Integer.toString(pid), "clear_refs"), "4");
  }

  /** Whether this kernel notes writes so, tried on a page of this process. */
  public static boolean isSupported() throws IOException {
    int self = (int) ProcessHandle.current().pid();
    try (AnonymousMemory memory = AnonymousMemory.map(PageSize.BYTES);
        PageMapEntries entries = PageMapEntries.open(self)) {
      memory.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
      clear(self);
      boolean cleared = !isDirty(entries, memory);
      memory.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 2);
      return cleared && isDirty(entries, memory);
    }
  }

  private static boolean isDirty(PageMapEntries entries, AnonymousMemory memory)
      throws IOException {
    boolean[] found = new boolean[1];
    long start = memory.segment().address();
    entries.find(
        start, start + PageSize.BYTES, PageMapEntries.SOFT_DIRTY, (first, last) -> found[0] = true);
    return found[0];
  }
}
