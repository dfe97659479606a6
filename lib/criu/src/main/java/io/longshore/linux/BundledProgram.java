package io.longshore.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;

/** A small program that a module brings along as a resource. */
public final class BundledProgram {
  private static final String TEXT_BUSY = "error=26";
  private static final int MOST_TRIES = 50;
  private static final long BUSY_NANOS = 10_000_000;

  private BundledProgram() {}

  /**
   * Writes it where it can be run, by its owner only. What is there is replaced.
   *
   * @param module a class beside which the resource is
   */
  public static void install(Class<?> module, String name, Path program) throws IOException {
    try (InputStream content = Objects.requireNonNull(module.getResourceAsStream(name), name)) {
      Files.copy(content, program, StandardCopyOption.REPLACE_EXISTING);
    }
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
  }

  /**
   * Runs it. Another child of this process, born while the program was written, may have it open
   * for writing still: then it cannot be run for a moment (ETXTBSY).
   */
  public static Process start(ProcessBuilder command) throws IOException {
    for (int tries = 1; ; tries++) {
      try {
        return command.start();
      } catch (IOException e) {
        if (tries == MOST_TRIES || !String.valueOf(e.getMessage()).contains(TEXT_BUSY)) {
          throw e;
        }
        LockSupport.parkNanos(BUSY_NANOS);
      }
    }
  }
}
