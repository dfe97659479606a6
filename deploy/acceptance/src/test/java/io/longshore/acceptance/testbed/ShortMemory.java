package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A cgroup of a host in which there is no more memory. What a process had stays counted where it
 * was, so it is killed when it asks for more; so is what it starts meanwhile.
 */
final class ShortMemory {
  private final Path folder;
  private final String limit;
  private final String none;
  private final String events;
  private final Path outside;

  private ShortMemory(Path host, String limit, String none, String events, Path outside) {
    folder = host.resolve("short");
    this.limit = limit;
    this.none = none;
    this.events = events;
    this.outside = outside;
  }

  /** By whichever version of cgroups has the memory. */
  static ShortMemory on(Testbed testbed, String host) {
    Path cgroups = Path.of("/sys/fs/cgroup");
    Path first = cgroups.resolve("memory").resolve(testbed.name()).resolve(host);
    if (Files.exists(first)) {
      return new ShortMemory(
          first,
          "memory.limit_in_bytes",
          "-1",
          "memory.oom_control",
          first.resolve("cgroup.procs"));
    }
    Path second = cgroups.resolve(testbed.name()).resolve(host);
    return new ShortMemory(
        second, "memory.max", "max", "memory.events", second.resolve("init/cgroup.procs"));
  }

  /** Returns when the kernel has killed a process because there was no memory for it. */
  void kill(HostProcesses.One process)
      throws IOException, InterruptedException, ExecutionException, TimeoutException {
    Files.createDirectory(folder);
    try {
      Files.writeString(folder.resolve(limit), "0");
      move(Long.toString(process.handle().pid()), folder.resolve("cgroup.procs"));
      process.handle().onExit().get(1, TimeUnit.MINUTES);
      Files.writeString(folder.resolve(limit), none);
      assertThat(Files.readAllLines(folder.resolve(events)))
          .as("what the kernel killed")
          .anyMatch(line -> line.matches("oom_kill [1-9][0-9]*"));
    } finally {
      Files.writeString(folder.resolve(limit), none);
      leave();
    }
  }

  /** What it had started goes on where it would have been. */
  private void leave() throws IOException {
    for (String left : Files.readAllLines(folder.resolve("cgroup.procs"))) {
      move(left, outside);
    }
    Files.delete(folder);
  }

  private static void move(String process, Path to) throws IOException {
    Files.writeString(to, process);
  }
}
