package io.longshore.source.tracking;

import io.longshore.linux.Errno;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells failures because a process has ended, or its memory was replaced, from others. */
final class Ended {
  private Ended() {}

  /** Throws a failure unless that is because the process was at its end, or at a new beginning. */
  static void orThrow(int pid, IOException failure) throws IOException {
    boolean ended =
        (failure instanceof SystemCallException call && call.errno() == Errno.ESRCH)
            || !Files.exists(Path.of("/proc", Integer.toString(pid)));
    if (!ended) {
      throw failure;
    }
  }
}
