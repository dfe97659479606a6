package io.longshore.linux;

import java.io.IOException;

/** Which processes have one memory between them; kcmp(2), clone(2) {@code CLONE_VM}. */
final class AddressSpaces {
  private static final long KCMP_VM = 1;

  private AddressSpaces() {}

  /** Whether a process uses the memory of its parent, as after vfork(2). */
  static boolean isSharedWithParent(int pid) throws IOException {
    int parent = TaskReader.read(pid).parentPid();
    if (parent == 0) {
      return false;
    }
    long result =
        SystemCalls.syscall(Architecture.ofThisMachine().numbers().kcmp(), pid, parent, KCMP_VM, 0);
    if (result < 0 && result != -Errno.EPERM && result != -Errno.ESRCH) {
      throw new SystemCallException("kcmp(%d, %d, KCMP_VM)".formatted(pid, parent), (int) -result);
    }
    // A parent that may not be asked, or is gone, is of no use to it.
    return result == 0;
  }
}
