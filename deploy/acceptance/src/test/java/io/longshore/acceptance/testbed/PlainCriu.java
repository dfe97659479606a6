package io.longshore.acceptance.testbed;

import static org.awaitility.Awaitility.await;

import io.longshore.acceptance.testbed.BenchWorkload.Cargo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * What a careful administrator does with CRIU alone to move a process with an address from a to b:
 * nothing is left to chance, and nothing is prepared that could be prepared before.
 */
final class PlainCriu {
  /** A tmpfs, as /run is on every host. */
  private static final String IN_MEMORY = "/run/plain";

  private static final String SOURCE = "10.77.0.11";
  private static final String TARGET = "10.77.0.12";
  private static final String PAGES = "7999";
  private static final String FILES = "7998";

  /** How the memory gets there. */
  enum Way {
    /** Into a file system on a's disk, over the network into one on b's. */
    DISK("dump to disk, copy, restore"),
    /** Into a tmpfs on a, over the network into one on b. */
    COPY("dump to tmpfs, copy, restore"),
    /** Over the network into a tmpfs on b while it is dumped. */
    PAGE_SERVER("criu page-server into tmpfs, restore"),
    /** When the restored process touches it. */
    LAZY("criu lazy-pages");

    private final String text;

    Way(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private final Testbed testbed;
  private final String criu = Checkout.tool("LONGSHORE_CRIU");
  private final List<Process> running = new ArrayList<>();
  private Way way = Way.COPY;

  /**
   * Preloaded into {@code criu dump}: what makes root without CAP_SYS_RESOURCE able to dump
   * processes of another user. Empty where root needs no such help.
   */
  private String preloaded = "";

  /** Of a root who may not go beyond it, CRIU's lazy pages need 4 MiB (page-pipe.c). */
  private static final Path PIPE_LIMIT = Path.of("/proc/sys/fs/pipe-max-size");

  private static final String TASK_LIMITS =
      "lib/criu/target/classes/io/longshore/criu/run/task_limits.so";

  PlainCriu(Testbed testbed) {
    this.testbed = testbed;
  }

  /**
   * Moves it.
   *
   * @return how long it took, from the first command to when nothing more has to come
   */
  Duration move(Way byWay, Cargo cargo) throws IOException, InterruptedException {
    way = byWay;
    preloaded = cargo.isOfAnotherUser() ? Checkout.path(TASK_LIMITS).toString() : "";
    int pid = cargo.pid();
    String address = cargo.address();
    for (String host : Testbed.NODES) {
      testbed.shell(host, "rm -rf \"$1\" && mkdir \"$1\"", images(host));
    }
    // Only the first read of such a file gives anything, and the JDK's is of one byte.
    String pipeLimit = Command.of(List.of("cat", PIPE_LIMIT.toString())).run().expectSuccess();
    if (way == Way.LAZY) {
      setPipeLimit("4194304");
    }
    long begin = System.nanoTime();
    try {
      Process daemon =
          switch (way) {
            case DISK, COPY -> {
              dump(pid, "");
              yield null;
            }
            case PAGE_SERVER -> {
              Process server = start("b", criu, pageServer());
              awaitListening("b", PAGES);
              dump(pid, "--page-server --address %s --port %s".formatted(TARGET, PAGES));
              requireSuccess(server);
              yield null;
            }
            case LAZY -> {
              Process dump = start("a", "env", lazyDump(pid));
              awaitListening("a", PAGES);
              yield dump;
            }
          };
      leave(address);
      copy();
      arrive(address);
      List<String> options = new ArrayList<>();
      Process pages = null;
      if (way == Way.LAZY) {
        pages = start("b", criu, lazyPages());
        testbed.shell(
            "b", "until [ -S \"$1/lazy-pages.socket\" ]; do sleep 0.01; done", images("b"));
        options.add("--lazy-pages");
      }
      restore(options);
      open(address);
      if (pages != null) {
        requireSuccess(pages);
      }
      if (daemon != null) {
        requireSuccess(daemon);
      }
      return Duration.ofNanos(System.nanoTime() - begin);
    } finally {
      if (way == Way.LAZY) {
        setPipeLimit(pipeLimit);
      }
      for (Process process : running) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      for (String host : Testbed.NODES) {
        testbed.shell(
            host,
            "rm -rf \"$1\"; nft list tables | grep -E 'CRIU|plain' | while read -r words; do nft delete $words; done",
            images(host));
      }
    }
  }

  /** CRIU remembers the limit, and does not look again until the machine is started. */
  private void setPipeLimit(String bytes) throws IOException {
    Files.writeString(PIPE_LIMIT, bytes);
    Testbed.NODES.forEach(host -> testbed.shell(host, "rm -f /run/criu.kdat"));
  }

  private void dump(int pid, String options) {
    testbed.shell(
        "a",
        "LD_PRELOAD=$4 \"$1\" dump --tree \"$2\" --images-dir \"$3\" --tcp-established --network-lock nftables --ext-unix-sk --file-locks "
            + options
            + " -o dump.log || { grep Error \"$3/dump.log\" >&2; exit 1; }",
        criu,
        Integer.toString(pid),
        images("a"),
        preloaded);
  }

  private List<String> pageServer() {
    return List.of(
        "page-server",
        "--images-dir",
        images("b"),
        "--address",
        TARGET,
        "--port",
        PAGES,
        "-o",
        "s.log");
  }

  private List<String> lazyDump(int pid) {
    return List.of(
        "LD_PRELOAD=" + preloaded,
        criu,
        "dump",
        "--tree",
        Integer.toString(pid),
        "--images-dir",
        images("a"),
        "--tcp-established",
        "--network-lock",
        "nftables",
        "--ext-unix-sk",
        "--file-locks",
        "--lazy-pages",
        "--address",
        SOURCE,
        "--port",
        PAGES,
        "-o",
        "dump.log");
  }

  private List<String> lazyPages() {
    return List.of(
        "lazy-pages",
        "--images-dir",
        images("b"),
        "--work-dir",
        images("b"),
        "--page-server",
        "--address",
        SOURCE,
        "--port",
        PAGES,
        "-o",
        "lazy.log");
  }

  private void copy() throws IOException, InterruptedException {
    Process receiver =
        start(
            "b",
            "socat",
            List.of(
                "-u",
                "TCP-LISTEN:" + FILES + ",reuseaddr",
                "EXEC:tar --extract -C " + images("b")));
    awaitListening("b", FILES);
    testbed.shell(
        "a", "tar --create -C \"$1\" . | socat -u - TCP:\"$2\":\"$3\"", images("a"), TARGET, FILES);
    requireSuccess(receiver);
    if (way == Way.COPY || way == Way.DISK) {
      testbed.shell("a", "rm -f \"$1\"/pages-*.img", images("a"));
    }
  }

  private void restore(List<String> options) {
    testbed.shell(
        "b",
        "\"$1\" restore --images-dir \"$2\" --restore-detached --tcp-established --network-lock nftables --ext-unix-sk --file-locks "
            + String.join(" ", options)
            + " -o restore.log || { grep -h Error \"$2\"/*.log >&2; exit 1; }",
        criu,
        images("b"));
  }

  /** Hosts share the disk, so each has a folder of its own there. */
  private String images(String host) {
    return way == Way.DISK ? Testbed.disk().resolve("images-" + host).toString() : IN_MEMORY;
  }

  private void leave(String address) {
    if (!address.isEmpty()) {
      testbed.shell("a", "ip address delete \"$1\" dev eth0", address);
    }
  }

  /** Silent and deaf until it is restored: a connection that is not there yet would be reset. */
  private void arrive(String address) {
    if (!address.isEmpty()) {
      testbed.shell(
          "b",
          """
          nft "table ip plain { chain in { type filter hook prerouting priority -300; ip daddr ${1%/*} drop; } }"
          ip address add "$1" dev eth0
          """,
          address);
    }
  }

  private void open(String address) {
    if (!address.isEmpty()) {
      testbed.shell(
          "b", "nft delete table ip plain; arping -q -U -c 1 -I eth0 \"${1%/*}\"", address);
    }
  }

  private Process start(String host, String program, List<String> arguments) throws IOException {
    List<String> words = new ArrayList<>(List.of(program));
    words.addAll(arguments);
    Process process = testbed.on(host, words.toArray(String[]::new)).start();
    running.add(process);
    return process;
  }

  private void awaitListening(String host, String port) {
    await()
        .atMost(Duration.ofMinutes(1))
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> testbed.on(host, "sh", "-c", "ss -ltn | grep -q :" + port).run().status() == 0);
  }

  private static void requireSuccess(Process process) throws IOException, InterruptedException {
    if (!process.waitFor(3, TimeUnit.MINUTES) || process.exitValue() != 0) {
      throw new IOException(
          "a command of plain CRIU did not succeed: "
              + new String(
                  Objects.requireNonNull(process.getErrorStream()).readNBytes(2000),
                  java.nio.charset.StandardCharsets.UTF_8));
    }
  }
}
