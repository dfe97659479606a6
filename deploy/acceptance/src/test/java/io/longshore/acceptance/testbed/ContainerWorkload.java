package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;

/**
 * A container of runc whose memory knows what it must hold (deploy/workloads/memory.c), from a
 * bundle that both nodes have.
 */
final class ContainerWorkload implements AutoCloseable {
  static final String ID = "web-1";

  /** $1: the program that fills memory. Prints what runc takes for a usual configuration. */
  private static final String MAKE_BUNDLE =
      """
      rm -rf /srv/web-1 /srv/volume
      mkdir -p /srv/web-1/rootfs/bin /srv/web-1/rootfs/data /srv/volume/memory
      cp /bin/busybox "$1" /srv/web-1/rootfs/bin/
      for applet in sh sleep kill cat mv; do ln -s busybox /srv/web-1/rootfs/bin/$applet; done
      cd /srv/web-1 && runc spec && cat config.json
      """;

  private static final String RESOURCES =
      """
      {"memory": {"limit": 1073741824}, "pids": {"limit": 60}, "cpu": {"shares": 512, "quota": 150000, "period": 100000}}
      """;

  private final Testbed testbed;
  private final String hash;
  private final int memory;

  private ContainerWorkload(Testbed testbed, String hash, int memory) {
    this.testbed = testbed;
    this.hash = hash;
    this.memory = memory;
  }

  /**
   * Starts it on a; returns when its memory is filled.
   *
   * @param then what its first process does after that: a command of sh
   */
  static ContainerWorkload start(Testbed testbed, String then, String... options) {
    List<String> words = new ArrayList<>(List.of("/bin/memory-static --folder /data/memory"));
    words.addAll(List.of(options));
    String run = String.join(" ", words) + " >/data/started; " + then;
    for (String host : Testbed.NODES) {
      String usual = testbed.shell(host, MAKE_BUNDLE, Checkout.workload("memory-static"));
      testbed.shell(host, "printf %s \"$1\" >/srv/web-1/config.json", config(usual, run));
    }
    testbed.shell(
        "a",
        """
        cd /srv/web-1 && runc run --detach web-1 </dev/null >/dev/null 2>&1
        for attempt in $(seq 600); do [ ! -s /srv/volume/started ] || exit 0; sleep 0.05; done
        echo 'the container did not start' >&2; exit 1
        """);
    JsonObject started =
        JsonParser.parseString(testbed.shell("a", "cat /srv/volume/started")).getAsJsonObject();
    return new ContainerWorkload(
        testbed, started.get("hash").getAsString(), started.get("pid").getAsInt());
  }

  private static String config(String usual, String run) {
    JsonObject config = JsonParser.parseString(usual).getAsJsonObject();
    JsonObject process = config.getAsJsonObject("process");
    process.addProperty("terminal", false);
    process.add("args", JsonParser.parseString("[\"/bin/sh\", \"-c\"]"));
    process.getAsJsonArray("args").add(run);
    config.getAsJsonObject("root").addProperty("readonly", false);
    config
        .getAsJsonArray("mounts")
        .add(
            JsonParser.parseString(
                "{\"destination\": \"/data\", \"type\": \"bind\", \"source\": \"/srv/volume\", \"options\": [\"rbind\", \"rw\"]}"));
    JsonObject linux = config.getAsJsonObject("linux");
    linux.addProperty("cgroupsPath", "/" + ID);
    JsonObject resources = linux.getAsJsonObject("resources");
    JsonParser.parseString(RESOURCES)
        .getAsJsonObject()
        .entrySet()
        .forEach(limit -> resources.add(limit.getKey(), limit.getValue()));
    return config.toString();
  }

  /** The same, which does nothing more. */
  static ContainerWorkload start(Testbed testbed) {
    return start(
        testbed, "exec sleep 100000", "--size", "64m", "--threads", "2", "--children", "2");
  }

  /**
   * It runs there with all that it had, and runc and its control groups know it as they should.
   * What its memory reports goes through runc exec and a mount.
   */
  void assertRightOn(String host) {
    MemoryReport report =
        MemoryReport.parse(
            testbed.shell(
                host,
                """
                rm -f /srv/volume/memory/report
                runc exec web-1 kill -USR1 "$1" || exit 1
                for attempt in $(seq 1200); do
                  if [ -s /srv/volume/memory/report ]; then exec cat /srv/volume/memory/report; fi
                  sleep 0.05
                done
                echo 'the container does not answer' >&2; exit 1
                """,
                Integer.toString(memory)));
    assertThat(report.hash()).as("hash").isEqualTo(hash);
    assertThat(report.wrongPages()).as("wrong pages of %s", report).isZero();
    assertThat(report.childrenLost()).as("children lost").isZero();
    assertThat(report.wrongTokens()).as("wrong tokens").isZero();
    assertThat(state(host)).isEqualTo("running");
    assertThat(limits(host)).isEqualTo("1073741824 60 512 150000");
  }

  /** Nothing of it is there but its bundle. */
  void assertGoneFrom(String host) {
    assertThat(state(host)).as("state on " + host).isEmpty();
    assertThat(testbed.shell(host, "find /sys/fs/cgroup -type d -path '*/web-1*'").strip())
        .as("control groups on " + host)
        .isEmpty();
    assertThat(testbed.shell(host, "grep -c /srv/ /proc/mounts || true").strip()).isEqualTo("0");
  }

  Testbed testbed() {
    return testbed;
  }

  /** Files of its root on a host. */
  String rootFiles(String host) {
    return testbed.shell(host, "find /srv/web-1/rootfs | sort");
  }

  /** Empty if runc does not know it. */
  String state(String host) {
    return testbed
        .shell(
            host,
            "runc state web-1 2>/dev/null | sed -n 's/.*\"status\": *\"\\([a-z]*\\)\".*/\\1/p'")
        .strip();
  }

  private String limits(String host) {
    return testbed
        .shell(
            host,
            """
            cd /sys/fs/cgroup
            paste -d ' ' memory/web-1/memory.limit_in_bytes pids/web-1/pids.max \
              cpu/web-1/cpu.shares cpu/web-1/cpu.cfs_quota_us
            """)
        .strip();
  }

  /** Ends it on whatever host it is. */
  @Override
  public void close() {
    for (String host : Testbed.NODES) {
      testbed.shell(
          host,
          """
          runc resume web-1 2>/dev/null; runc delete --force web-1 2>/dev/null
          for attempt in $(seq 100); do runc state web-1 >/dev/null 2>&1 || break; sleep 0.05; done
          rm -rf /srv/web-1 /srv/volume
          find /sys/fs/cgroup -depth -path '*/web-1*' -exec rmdir {} + 2>/dev/null || true
          """);
    }
  }
}
