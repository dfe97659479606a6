package io.longshore.acceptance.testbed;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the machine counts of both hosts while something is moved, all of a host together: workload,
 * agents, commands. Of memory and processors by the hosts' cgroups (v1); with v2 alone those
 * figures are missing.
 */
final class BenchCounters implements AutoCloseable {
  /** The memory of a tree: what it shares among its processes counts once. */
  private static final String MEMORY =
      """
      ps -eo pid=,ppid= | awk -v root="$1" '
        { parent[$1] = $2 }
        END { for (pid in parent) { p = pid; while (p > 1 && p != root) p = parent[p]; if (p == root) print pid } }' \
        | while read -r pid; do cat "/proc/$pid/smaps_rollup"; done | awk '/^Pss:/ { sum += $2 } END { print sum * 1024 }'
      """;

  /** The column of the bytes that an interface sent. */
  private static final int SENT = 8;

  private final Testbed testbed;
  private final long workloadBytes;
  private final DiskWatch disks;
  private final Host a;
  private final Host b;
  private final long sent;

  private BenchCounters(Testbed testbed, int pid) throws IOException {
    this.testbed = testbed;
    workloadBytes = Long.parseLong(testbed.shell("a", MEMORY, Integer.toString(pid)).strip());
    disks = DiskWatch.begin(testbed);
    a = Host.now(testbed, "a");
    b = Host.now(testbed, "b");
    sent = sentByA(testbed);
  }

  /**
   * Counts from now on.
   *
   * @param pid of the workload on a
   */
  static BenchCounters begin(Testbed testbed, int pid) throws IOException {
    return new BenchCounters(testbed, pid);
  }

  /** Adds what was counted until now. */
  void end(JsonObject row) throws IOException {
    a.end(row, "a", 0);
    // What is on b at the end is the workload as well.
    b.end(row, "b", workloadBytes);
    row.addProperty("bytes_on_wire", sentByA(testbed) - sent);
    row.addProperty("workload_bytes", workloadBytes);
    row.addProperty("bytes_to_disk", disks.bytes());
  }

  @Override
  public void close() {
    disks.close();
  }

  /** By proc_pid_net(5): without a command on the host, which would take its time. */
  private static long sentByA(Testbed testbed) throws IOException {
    return Files.readAllLines(Path.of("/proc", testbed.init("a"), "net/dev")).stream()
        .map(String::strip)
        .filter(line -> line.startsWith("eth0:"))
        .mapToLong(line -> Long.parseLong(line.substring(5).strip().split(" +", -1)[SENT]))
        .findFirst()
        .orElseThrow();
  }

  /** One host as it was. */
  private record Host(Path processors, Path memory, long nanos, long bytes) {
    static Host now(Testbed testbed, String host) throws IOException {
      Path processors = cgroup("cpuacct", testbed, host).resolve("cpuacct.usage");
      Path memory = cgroup("memory", testbed, host);
      if (Files.exists(mostUsed(memory))) {
        // Makes it what is used now.
        Files.writeString(mostUsed(memory), "0");
      }
      return new Host(processors, memory, number(processors), number(used(memory)));
    }

    private static Path cgroup(String controller, Testbed testbed, String host) {
      return Path.of("/sys/fs/cgroup", controller, testbed.name(), host);
    }

    private static Path used(Path memory) {
      return memory.resolve("memory.usage_in_bytes");
    }

    private static Path mostUsed(Path memory) {
      return memory.resolve("memory.max_usage_in_bytes");
    }

    private static long number(Path file) throws IOException {
      return Files.exists(file) ? Long.parseLong(Files.readString(file).strip()) : 0;
    }

    void end(JsonObject row, String name, long expected) throws IOException {
      if (Files.exists(processors)) {
        row.addProperty("cpu_%s_s".formatted(name), (number(processors) - nanos) / 1e9);
      }
      if (Files.exists(mostUsed(memory))) {
        row.addProperty(
            "peak_memory_%s_bytes".formatted(name),
            Math.max(0, number(mostUsed(memory)) - bytes - expected));
      }
    }
  }
}
