package io.longshore.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A small process (holder.c) that holds other processes still for a moment. If this process is
 * killed meanwhile, or does not get on, they go on.
 *
 * <p>Each thread is stopped with ptrace(2), and then goes on as if nothing had happened: a system
 * call that it was in is restarted by the kernel as after a SIGSTOP and SIGCONT, a stopped process
 * stays stopped, signals wait.
 *
 * <p>Thread-safe.
 */
public final class Holder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Holder.class);
  private static final String PROGRAM = "holder";
  private static final String HELD = "held";
  private static final String REFUSED = "no ";
  private static final String RELEASED = "released";

  private final HelperProgram program;

  /** What was done. */
  public enum Outcome {
    /** They were held from before the action until after it. */
    HELD,
    /** The action was carried out, but they were let go before its end. */
    LET_GO,
    /** They could not be held, and the action was not carried out. */
    REFUSED
  }

  /** What is done while processes stand still. */
  @FunctionalInterface
  public interface Action {
    void run() throws IOException;
  }

  private Holder(HelperProgram program) {
    this.program = program;
  }

  /**
   * Starts one.
   *
   * @param folder where programs can be run; nothing stays in it
   */
  public static Holder start(Path folder) throws IOException {
    return new Holder(HelperProgram.start(folder, PROGRAM));
  }

  /**
   * Does something while no thread of some processes runs, and no other process has the memory of
   * one of them (vfork(2)). All are held or none: not if somebody traces one of them, or one sleeps
   * uninterruptibly or is frozen. Those that have ended are left out.
   *
   * @param toStop how long to wait until they stand still
   * @param toHold how long to hold them at most
   * @throws IOException of the action, or if the helper process has ended
   */
  public synchronized Outcome whileHeld(
      Collection<Integer> pids, Duration toStop, Duration toHold, Action action)
      throws IOException {
    String answer =
        program.ask(
            pids.stream()
                .map(String::valueOf)
                .collect(
                    Collectors.joining(
                        " ", toStop.toMillis() + " " + toHold.toMillis() + " ", "")));
    if (!answer.equals(HELD)) {
      log.info(
          "Processes {} are not held: {}",
          pids,
          answer.startsWith(REFUSED) ? answer.substring(REFUSED.length()) : answer);
      return Outcome.REFUSED;
    }
    String end;
    try {
      action.run();
    } finally {
      end = program.ask("release");
    }
    return end.equals(RELEASED) ? Outcome.HELD : Outcome.LET_GO;
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
