package io.longshore.linux;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;

/**
 * Writes that the kernel notes in its page tables, with a bit of each page that {@link
 * PageMapEntries} reads; Documentation/admin-guide/mm/soft-dirty.rst.
 */
public final class SoftDirty {
  private static final int PROT_READ = 1;
  private static final int PROT_READ_WRITE = 1 | 2;

  private SoftDirty() {}

  /**
   * Clears the bits of all pages of a process: what is written from then on has it;
   * proc_pid_clear_refs(5). What is written between reading the bits and this is lost, so nobody
   * may write then.
   */
  public static void clear(int pid) throws IOException {
    Files.writeString(ProcFiles.of(pid, "clear_refs"), "4");
  }

  /**
   * Whether this kernel notes writes so, also after mprotect(2), and tells where pages are; tried
   * on a page of this process, whose bits are cleared.
   */
  public static boolean isReliable() {
    try (AnonymousMemory memory = AnonymousMemory.map(PageSize.BYTES);
        PageMapEntries entries = PageMapEntries.open(self())) {
      return isNoted(entries, memory, () -> {})
          && isNoted(
              entries,
              memory,
              () -> {
                protect(memory, PROT_READ);
                protect(memory, PROT_READ_WRITE);
              });
    } catch (IOException e) {
      // Not allowed, or not there.
      return false;
    }
  }

  private interface Change {
    void make() throws IOException;
  }

  /** Whether a page is clean after clearing, and not after it was written. */
  private static boolean isNoted(PageMapEntries entries, AnonymousMemory memory, Change change)
      throws IOException {
    memory.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    clear(self());
    if (isWritten(entries, memory)) {
      return false;
    }
    change.make();
    memory.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 2);
    return isWritten(entries, memory);
  }

  private static boolean isWritten(PageMapEntries entries, AnonymousMemory memory)
      throws IOException {
    long start = memory.segment().address();
    boolean[] noted = new boolean[1];
    entries.forEach(
        start,
        start + PageSize.BYTES,
        (page, where, written) -> noted[0] = written && PageMapEntries.isTold(where));
    return noted[0];
  }

  private static void protect(AnonymousMemory memory, int protection) throws SystemCallException {
    long result =
        SystemCalls.syscall(
            Architecture.ofThisMachine().numbers().mprotect(),
            memory.segment().address(),
            memory.byteSize(),
            protection,
            0);
    if (result < 0) {
      throw new SystemCallException("mprotect", (int) -result);
    }
  }

  private static int self() {
    return (int) ProcessHandle.current().pid();
  }
}
