package io.longshore.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A small process (injector.c) that has other processes make a userfaultfd(2) for their memory, and
 * takes it over. It goes to its end with what it has begun if this process is killed: none of the
 * others is ever left standing on registers that are not its own.
 *
 * <p>One thread of the other process is stopped for a fraction of a millisecond, and then goes on
 * as if nothing had happened: a system call that it was in is restarted by the kernel as after a
 * SIGSTOP and SIGCONT, a stopped process stays stopped, signals wait. Nothing is written into its
 * memory. Its seccomp filters do not see the calls. What cannot be done safely is not done, and the
 * process not touched: it is traced by somebody, has ended, sleeps uninterruptibly, is frozen, or
 * runs 32-bit code.
 *
 * <p>Thread-safe.
 */
public final class Injector implements AutoCloseable {
  private static final String PROGRAM = "injector";
  private static final String DONE = "ok ";
  private static final String REFUSED = "no ";

  private final HelperProgram program;

  private Injector(HelperProgram program) {
    this.program = program;
  }

  /**
   * Starts one.
   *
   * @param folder where programs can be run; nothing stays in it
   */
  public static Injector start(Path folder) throws IOException {
    return new Injector(HelperProgram.start(folder, PROGRAM));
  }

  /**
   * Has a process make a userfaultfd, and takes it over; it is closed there.
   *
   * @param limit how long to wait for one of its threads to stop
   * @throws IOException if that cannot be done; the process is as it was
   */
  synchronized FileDescriptorHandle userfaultfd(int pid, Duration limit, long flags)
      throws IOException {
    String answer =
        program.ask(
            "%d %d %x %d %d"
                .formatted(
                    pid,
                    Math.min(Integer.MAX_VALUE, limit.toMillis()),
                    CallInstruction.find(pid),
                    UserfaultfdFacts.number(),
                    flags));
    if (!answer.startsWith(DONE)) {
      throw new IOException(
          "process %d gives no userfaultfd: %s"
              .formatted(
                  pid, answer.startsWith(REFUSED) ? answer.substring(REFUSED.length()) : answer));
    }
    FileDescriptorHandle taken = null;
    boolean closedThere = false;
    try (Pidfd injector = Pidfd.open(program.pid())) {
      taken = injector.duplicateDescriptor(Integer.parseInt(answer.substring(DONE.length())));
    } finally {
      try {
        // Its own must be closed, or the memory would be tracked for longer than somebody looks.
        String _ = program.ask("taken");
        closedThere = true;
      } finally {
        if (!closedThere && taken != null) {
          taken.close();
        }
      }
    }
    return taken;
  }

  /** Its process. */
  long pid() {
    return program.pid();
  }

  /** It ends when it is done with what it does. */
  @Override
  public void close() {
    program.close();
  }
}
