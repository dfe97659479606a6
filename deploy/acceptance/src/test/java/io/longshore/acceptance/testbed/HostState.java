package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Everything on a host that a migration could leave behind: processes (with their pids), cgroups,
 * nftables tables, addresses, mounts, files in memory, and how full its file systems in memory are.
 */
record HostState(String host, Map<String, Set<String>> things) {
  private static final Pattern SECTION = Pattern.compile("(?m)^== ");

  /** The agents make them for their first migration and keep them; what is in folders counts. */
  private static final Set<String> WORK_FOLDERS =
      Set.of(
          "/run/longshore",
          "/run/runc",
          "/run/longshore/source",
          "/run/longshore/source/.runc",
          "/run/longshore/target",
          "/run/longshore/target/ended");

  /**
   * Each section prints lines. What the script itself needs is not listed, nor are pipes'
   * short-lived ends. How full file systems are is in steps of 16 MiB.
   */
  private static final String SCRIPT =
      """
      own=$$
      echo '== process'
      ps -e -o pid= -o ppid= -o stat= -o args= | while read -r pid parent state arguments; do
        [ "$pid" = "$own" ] || [ "$parent" = "$own" ] || case $state in
          Z*) echo "$pid zombie of $parent" ;;
          *) echo "$pid $arguments" ;;
        esac
      done
      echo '== cgroup'
      find /sys/fs/cgroup -mindepth 1 -type d 2>/dev/null
      echo '== nftables'
      nft list tables
      echo '== address'
      ip -oneline -4 address show | awk '{ print $2, $4 }'
      echo '== mount'
      cut -d ' ' -f 1-3 /proc/mounts
      echo '== file'
      find /run /dev/shm /tmp -xdev -mindepth 1 ! -path '*/hsperfdata*' 2>/dev/null
      echo '== full'
      df -k --output=used,target /run /dev/shm /tmp | awk 'NR > 1 { print $2, int(($1 + 8192) / 16384) * 16, "MiB" }'
      """;

  HostState {
    things = Map.copyOf(things);
  }

  /** As it is when it does not test itself, which a service that was started again begins with. */
  static HostState of(Testbed testbed, String host) {
    testbed.calls().awaitNode(host);
    return now(testbed, host);
  }

  private static HostState now(Testbed testbed, String host) {
    Map<String, Set<String>> things = new TreeMap<>();
    for (String section : SECTION.splitAsStream(testbed.shell(host, SCRIPT)).toList()) {
      if (!section.isBlank()) {
        List<String> lines = section.lines().toList();
        things.put(
            lines.getFirst(),
            lines.stream()
                .skip(1)
                .map(String::strip)
                .filter(line -> !isOfNoInterest(line))
                .collect(Collectors.toCollection(TreeSet::new)));
      }
    }
    return new HostState(host, things);
  }

  /**
   * The commands with which a test looks, and the relays that the testbed has for each connection
   * to our receiver.
   */
  private static boolean isOfNoInterest(String line) {
    return WORK_FOLDERS.contains(line)
        || line.contains("own=$$")
        || line.contains("ps -e -o pid=")
        || line.contains("socat TCP-LISTEN");
  }

  /**
   * Waits a little for what is on its way out, then fails with what has come and what has gone.
   *
   * @param kinds of things not to compare
   */
  void assertUnchanged(Testbed testbed, String... kinds) {
    Set<String> ignored = Set.of(kinds);
    await()
        .atMost(Duration.ofSeconds(30))
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(300))
        .untilAsserted(
            () -> {
              HostState now = now(testbed, host);
              things.forEach(
                  (kind, before) -> {
                    if (!ignored.contains(kind)) {
                      assertThat(now.things.get(kind))
                          .as("each %s on host %s", kind, host)
                          .isEqualTo(before);
                    }
                  });
            });
  }
}
