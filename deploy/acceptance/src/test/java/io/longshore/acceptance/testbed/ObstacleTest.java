package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.acceptance.testbed.Command.Output;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Obstacle;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/**
 * What the plan finds in the way: plan and migrate name it and end with 3, nothing is created, and
 * the workload does not notice.
 */
@OnTestbed
@Order(2)
class ObstacleTest {
  private final Testbed testbed;

  ObstacleTest(Testbeds testbeds) {
    testbed = testbeds.usual();
  }

  private HostState onA;
  private HostState onB;

  @BeforeEach
  void look() {
    onA = HostState.of(testbed, "a");
    onB = HostState.of(testbed, "b");
  }

  @AfterEach
  void cleanUp() {
    for (String host : Testbed.NODES) {
      testbed.shell(
          host,
          "rm -rf /var/test-files; ip address delete 10.77.0.101/24 dev eth0 2>/dev/null; true");
    }
  }

  @Test
  void anUnknownNode() {
    try (MemoryWorkload workload = start()) {
      refuses(workload, Move.of("a", "nowhere", workload.pid()), "UNKNOWN_NODE");
      refuses(workload, Move.of("nowhere", "b", workload.pid()), "UNKNOWN_NODE");
    }
  }

  @Test
  void theSameNode() {
    try (MemoryWorkload workload = start()) {
      refuses(workload, Move.of("a", "a", workload.pid()), "SAME_NODE");
    }
  }

  @Test
  void anUnknownProcess() {
    try (MemoryWorkload workload = start()) {
      refuses(workload, Move.of("a", "b", 3_999_999), "UNKNOWN_PROCESS");
    }
  }

  @Test
  void aProcessIdThatIsTakenOnTheTarget() {
    try (MemoryWorkload workload = start("--threads", "2")) {
      // The id of its last thread, by a process that has it as its process id.
      String thread =
          testbed.shell("a", "ls /proc/$1/task | sort -n | tail -n 1", "" + workload.pid()).strip();
      String last = testbed.shell("b", "cat /proc/sys/kernel/ns_last_pid").strip();
      testbed.shell(
          "b",
          """
          echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
          sleep 1000 </dev/null >/dev/null 2>&1 &
          [ $! = "$1" ]
          """,
          thread);
      try {
        Obstacle obstacle = refuses(workload, Move.of("a", "b", workload.pid()), "PID_TAKEN");
        assertThat(obstacle.getMessage()).contains(thread);
      } finally {
        // What b starts from now on would be where the next workloads of a are.
        testbed.shell(
            "b", "kill -KILL \"$1\"; echo \"$2\" >/proc/sys/kernel/ns_last_pid", thread, last);
      }
    }
  }

  @Test
  void aProgramThatIsMissingOnTheTarget() {
    String program = "/var/test-files/memory";
    testbed.shell(
        "a", "mkdir /var/test-files && cp \"$1\" \"$2\"", Checkout.workload("memory"), program);
    try (MemoryWorkload workload =
        MemoryWorkload.startCopy(testbed, "a", program, "--size", "4m")) {
      remember();
      Obstacle missing = refuses(workload, Move.of("a", "b", workload.pid()), "FILE_MISSING");
      assertThat(missing.getMessage()).contains(program);
    }
  }

  @Test
  void aProgramThatIsDifferentOnTheTarget() {
    String program = "/var/test-files/memory";
    for (String host : Testbed.NODES) {
      testbed.shell(
          host, "mkdir /var/test-files && cp \"$1\" \"$2\"", Checkout.workload("memory"), program);
    }
    // One byte, in the middle; size and times are the same.
    testbed.shell(
        "b",
        """
        touch -r "$1" /var/test-files/times
        size=$(stat -c %s "$1")
        printf '\\377' | dd of="$1" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
        touch -r /var/test-files/times "$1"
        """,
        program);
    try (MemoryWorkload workload =
        MemoryWorkload.startCopy(testbed, "a", program, "--size", "4m")) {
      remember();
      Obstacle different = refuses(workload, Move.of("a", "b", workload.pid()), "FILE_DIFFERENT");
      assertThat(different.getMessage()).contains(program);
    }
  }

  @Test
  void anOpenFileThatIsMissingOrHasAnotherSizeOnTheTarget() {
    testbed.shell("a", "mkdir /var/test-files && seq 1000 >/var/test-files/open");
    try (MemoryWorkload workload = start("--open", "/var/test-files/open")) {
      Obstacle missing = refuses(workload, Move.of("a", "b", workload.pid()), "FILE_MISSING");
      assertThat(missing.getMessage()).contains("/var/test-files/open");
      testbed.shell("b", "mkdir /var/test-files && seq 999 >/var/test-files/open");
      refuses(workload, Move.of("a", "b", workload.pid()), "FILE_DIFFERENT");
    }
  }

  @Test
  void notEnoughMemoryOnTheTarget() {
    try (MemoryWorkload workload = start("--size", "128m")) {
      // What the kernel tells the host's processes, for the machine really has enough.
      testbed.shell(
          "b",
          """
          sed 's/^MemAvailable:.*/MemAvailable:   102400 kB/' /proc/meminfo >/var/test-meminfo
          mount --bind /var/test-meminfo /proc/meminfo
          """);
      try {
        refuses(workload, Move.of("a", "b", workload.pid()), "NOT_ENOUGH_MEMORY");
      } finally {
        testbed.shell("b", "umount /proc/meminfo; rm /var/test-meminfo");
      }
    }
  }

  @Test
  void anAddressThatIsNotOnTheSource() {
    try (MemoryWorkload workload = start()) {
      refuses(
          workload,
          Move.of("a", "b", workload.pid(), "--service-ip", "10.77.0.101/24"),
          "ADDRESS_NOT_ON_SOURCE");
    }
  }

  @Test
  void anAddressThatIsNotAvailableOnTheTarget() {
    for (String host : Testbed.NODES) {
      testbed.shell(host, "ip address add 10.77.0.101/24 dev eth0");
    }
    try (MemoryWorkload workload = start()) {
      refuses(
          workload,
          Move.of("a", "b", workload.pid(), "--service-ip", "10.77.0.101/24"),
          "ADDRESS_NOT_AVAILABLE");
    }
  }

  @Test
  void aConnectionWhoseAddressDoesNotMove() throws Exception {
    try (RedisWorkload redis = RedisWorkload.start(testbed, "a", 1 << 20);
        LoadRun load = redis.load(1)) {
      assertThat(obstaclesOf(Move.of("a", "b", redis.pid())))
          .extracting(Obstacle::getReason)
          .contains("TCP_ADDRESS_DOES_NOT_MOVE");
      RedisTest.assertNothingLost(load.end());
    }
  }

  @Test
  void aProcessThatIsNoSessionLeader() {
    String pid = testbed.shell("a", "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!").strip();
    try {
      assertThat(obstaclesOf(Move.of("a", "b", Integer.parseInt(pid))))
          .extracting(Obstacle::getReason)
          .containsExactly("NOT_SESSION_LEADER");
    } finally {
      testbed.shell("a", "kill -KILL \"$1\"", pid);
    }
  }

  @Test
  void whatIsRefusedIsNotStored() {
    int before = testbed.longshore().list().getMigrationsCount();
    assertThat(testbed.longshore().migrate(Move.of("a", "b", 3_999_999)).run().status())
        .isEqualTo(3);
    assertThat(testbed.longshore().list().getMigrationsCount()).isEqualTo(before);
  }

  /** Nothing was refused by accident in all the tests above. */
  @Test
  void nothingIsInTheWayOfAnOrdinaryWorkload() {
    try (MemoryWorkload workload = start()) {
      assertThat(testbed.longshore().plan(Move.of("a", "b", workload.pid())).getObstaclesList())
          .isEmpty();
      onA.assertUnchanged(testbed);
      onB.assertUnchanged(testbed);
    }
  }

  private MemoryWorkload start(String... options) {
    MemoryWorkload workload =
        options.length > 0 && options[0].equals("--size")
            ? MemoryWorkload.start(testbed, "a", options)
            : MemoryWorkload.start(testbed, "a", concat(options));
    remember();
    return workload;
  }

  private static String[] concat(String... options) {
    String[] all = new String[options.length + 2];
    all[0] = "--size";
    all[1] = "4m";
    System.arraycopy(options, 0, all, 2, options.length);
    return all;
  }

  private void remember() {
    onA = HostState.of(testbed, "a");
    onB = HostState.of(testbed, "b");
  }

  /** What plan says, which migrate must say too. */
  private List<Obstacle> obstaclesOf(Move move) {
    List<Obstacle> obstacles = testbed.longshore().plan(move).getObstaclesList();
    assertThat(obstacles).isNotEmpty();
    assertThat(obstacles)
        .allSatisfy(obstacle -> assertThat(obstacle.getMessage()).isNotBlank())
        .allSatisfy(obstacle -> assertThat(obstacle.getRemedy()).isNotBlank());
    Output refused = testbed.longshore().migrate(move).run();
    assertThat(refused.status()).as("exit status of %s", refused).isEqualTo(3);
    assertThat(refused.out()).isEmpty();
    assertThat(obstacles)
        .allSatisfy(
            obstacle ->
                assertThat(refused.err()).contains(obstacle.getReason(), obstacle.getMessage()));
    return obstacles;
  }

  private Obstacle refuses(MemoryWorkload workload, Move move, String reason) {
    List<Obstacle> obstacles = obstaclesOf(move);
    assertThat(obstacles).extracting(Obstacle::getReason).containsOnly(reason);
    workload.assertRightOn("a");
    onA.assertUnchanged(testbed);
    onB.assertUnchanged(testbed, "process", "mount");
    return obstacles.getFirst();
  }
}
