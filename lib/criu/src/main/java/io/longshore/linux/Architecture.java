package io.longshore.linux;

/**
 * Where x86-64 and arm64 differ for whoever calls the kernel by number, or looks for what does. The
 * tests run on x86-64 only.
 *
 * @param numbers of system calls
 * @param callInstruction the instruction that calls the kernel, its first byte lowest
 * @param callLength bytes of that instruction
 * @param instructionAlignment where instructions can begin
 */
record Architecture(
    Numbers numbers, int callInstruction, int callLength, int instructionAlignment) {

  private static final Architecture X86_64 =
      new Architecture(
          new Numbers(323, 312, 25, 11, 10),
          0x050f, // syscall
          2,
          1);
  private static final Architecture AARCH64 =
      new Architecture(
          new Numbers(282, 272, 216, 215, 226),
          0xd4000001, // svc #0
          4,
          4);

  /** Numbers of system calls that are older than the common table; asm/unistd.h. */
  record Numbers(long userfaultfd, long kcmp, long mremap, long munmap, long mprotect) {}

  static Architecture ofThisMachine() {
    return System.getProperty("os.arch", "").equals("aarch64") ? AARCH64 : X86_64;
  }

  /** Offset of the first instruction in {@code code} that calls the kernel, or -1. */
  int findCall(byte[] code) {
    for (int at = 0; at + callLength <= code.length; at += instructionAlignment) {
      int found = 0;
      for (int i = callLength - 1; i >= 0; i--) {
        found = found << 8 | Byte.toUnsignedInt(code[at + i]);
      }
      if (found == callInstruction) {
        return at;
      }
    }
    return -1;
  }
}
