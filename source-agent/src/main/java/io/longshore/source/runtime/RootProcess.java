package io.longshore.source.runtime;

import io.longshore.linux.ProcessTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The root of a workload, named for good: a pid alone may come to mean another process.
 *
 * @param pid as this agent sees it
 * @param startTime clock ticks after boot
 * @param boot id of the boot of this host
 */
public record RootProcess(int pid, long startTime, String boot) {
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  /** For a migration of which no process is known. */
  public static final RootProcess NONE = new RootProcess(0, 0, "");

  /**
   * The process that has this pid now.
   *
   * @throws NoSuchFileException if there is none
   */
  public static RootProcess of(int pid) throws IOException {
    return new RootProcess(pid, ProcessTree.of(pid).root().startTime(), bootNow());
  }

  /** Whether the host has not been restarted since. */
  private boolean isOfThisBoot() throws IOException {
    return boot.equals(bootNow());
  }

  /** Whether it has not ended; it may be frozen. */
  public boolean isAlive() throws IOException {
    try {
      var root = ProcessTree.of(pid).root();
      return isOfThisBoot() && root.startTime() == startTime && root.alive();
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static String bootNow() throws IOException {
    return Files.readString(BOOT_ID).strip();
  }
}
