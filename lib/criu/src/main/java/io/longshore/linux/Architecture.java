package io.longshore.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

/**
 * Where x86-64 and arm64 differ for whoever makes a thread of another process call the kernel. The
 * tests run on x86-64 only.
 *
 * @param numbers of system calls
 * @param registers where what is in a register set
 * @param callInstruction the instruction that calls the kernel, its first byte lowest
 * @param callLength bytes of that instruction
 * @param instructionAlignment where instructions can begin
 */
record Architecture(
    Numbers numbers,
    Registers registers,
    int callInstruction,
    int callLength,
    int instructionAlignment) {

  private static final Architecture X86_64 =
      new Architecture(
          new Numbers(101, 61, 3, 323, 312, 25, 11),
          new Registers(27 * 8, 16 * 8, 15 * 8, 10 * 8, 10 * 8, 14 * 8, 13 * 8, 12 * 8),
          0x050f, // syscall
          2,
          1);
  private static final Architecture AARCH64 =
      new Architecture(
          new Numbers(117, 260, 57, 282, 272, 216, 215),
          new Registers(34 * 8, 32 * 8, -1, 8 * 8, 0, 0, 8, 2 * 8),
          0xd4000001, // svc #0
          4,
          4);

  /**
   * semop, rt_sigtimedwait, io_getevents, semtimedop, epoll_wait, epoll_pwait, io_pgetevents,
   * epoll_pwait2.
   */
  private static final Set<Long> X86_64_INTERRUPTED_BY_STOPS =
      Set.of(65L, 128L, 208L, 220L, 232L, 281L, 333L, 441L);

  /** linux/errno.h; never seen by programs. */
  private static final int ERESTARTNOHAND = 514;

  /** Numbers of system calls that are older than the common table; asm/unistd.h. */
  record Numbers(
      long ptrace, long wait4, long close, long userfaultfd, long kcmp, long mremap, long munmap) {}

  /**
   * Offsets into the register set {@code NT_PRSTATUS} of a 64-bit thread; asm/ptrace.h {@code
   * struct user_regs_struct}, {@code struct user_pt_regs}.
   *
   * @param size bytes of the set
   * @param instruction the program counter
   * @param interrupted the call that was interrupted and may have to be restarted; -1 where the
   *     kernel has prepared that in the other registers already
   * @param number what to call
   * @param result what was answered
   * @param first first argument
   * @param second second argument
   * @param third third argument
   */
  record Registers(
      int size,
      int instruction,
      int interrupted,
      int number,
      int result,
      int first,
      int second,
      int third) {}

  static Architecture ofThisMachine() {
    return System.getProperty("os.arch", "").equals("aarch64") ? AARCH64 : X86_64;
  }

  /**
   * Registers with which a thread goes on after it was stopped, instead of those it was stopped
   * with. Some calls do not tell a stop from a signal and return EINTR, signal(7): epoll_wait(2),
   * sigtimedwait(2), semop(2) and io_getevents(2). They are made to look as pause(2) does, which
   * the kernel restarts unless there is a signal to be handled.
   */
  byte[] resumable(byte[] stopped) {
    if (registers.interrupted < 0) {
      return stopped;
    }
    byte[] resumed = stopped.clone();
    ByteBuffer words = ByteBuffer.wrap(resumed).order(ByteOrder.nativeOrder());
    if (words.getLong(registers.result) == -Errno.EINTR
        && X86_64_INTERRUPTED_BY_STOPS.contains(words.getLong(registers.interrupted))) {
      words.putLong(registers.result, -ERESTARTNOHAND);
    }
    return resumed;
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
