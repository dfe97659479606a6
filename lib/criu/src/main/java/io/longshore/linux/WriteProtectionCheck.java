package io.longshore.linux;

import java.io.IOException;
import java.lang.foreign.ValueLayout;

/** Whether {@link WriteProtection} can be relied upon, tried on memory of this process. */
public final class WriteProtectionCheck {
  private static final long MREMAP_MAYMOVE = 1;
  private static final long MREMAP_DONTUNMAP = 4;

  private WriteProtectionCheck() {}

  /**
   * Whether this kernel has it (Linux 6.7), and notes writes to memory that was moved: before Linux
   * 6.14 and the updates that took its commit 0cef0bb836e3 over, pages moved by mremap(2) kept
   * their marks and lost their protection, so that later writes were not seen.
   */
  public static boolean isReliable() throws IOException {
    try (WriteProtection protection = WriteProtection.ofThisProcess();
        PageMapScan scan = PageMapScan.open((int) ProcessHandle.current().pid());
        AnonymousMemory memory = AnonymousMemory.map(PageSize.BYTES)) {
      memory.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
      long here = memory.segment().address();
      return countWritten(protection, scan, here) == 1
          && countWritten(protection, scan, here) == 0
          && seesMovedPage(protection, scan, here);
    } catch (SystemCallException e) {
      // Not there, not allowed, or without one of its parts.
      return false;
    }
  }

  private static boolean seesMovedPage(WriteProtection protection, PageMapScan scan, long here)
      throws IOException {
    Architecture.Numbers numbers = Architecture.ofThisMachine().numbers();
    long moved =
        SystemCalls.syscall(
            numbers.mremap(),
            here,
            PageSize.BYTES,
            PageSize.BYTES,
            MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    if (moved < 0) {
      throw new SystemCallException("mremap(MREMAP_DONTUNMAP)", (int) -moved);
    }
    try {
      return countWritten(protection, scan, moved) == 1;
    } finally {
      long _ = SystemCalls.syscall(numbers.munmap(), moved, PageSize.BYTES, 0, 0);
    }
  }

  private static long countWritten(WriteProtection protection, PageMapScan scan, long address)
      throws IOException {
    protection.register(address, PageSize.BYTES);
    return scan.scan(
        address,
        address + PageSize.BYTES,
        PageQuery.WRITTEN_OWN_CONTENT_THEN_PROTECT,
        (start, end, categories) -> {});
  }
}
