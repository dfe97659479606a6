package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.acceptance.testbed.LinkCut.Direction;
import io.longshore.acceptance.testbed.Longshore.Move;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The link between source and target is cut in the middle of a transfer, and nothing is lost. */
@OnTestbed
@Order(3)
class LinkTest {
  private static final long MIB = 1L << 20;

  /** More than is sent before the workload runs on the target, and much less than all of it. */
  private static final long SENT_BEFORE = 24;

  /** What may be lost on its way: a window of each page stream and of the fault stream. */
  private static final long LOST = 3 * 4;

  /** Of the coordinator: its default. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** A cut is noticed after 4 s, and some more pass on a slow machine; CRIU would wait for 120. */
  private static final Duration GIVEN_UP = Duration.ofSeconds(30);

  private final Testbed testbed;

  LinkTest(Testbeds testbeds) {
    testbed = testbeds.usual();
  }

  @ParameterizedTest
  @CsvSource({
    "post-copy,     TO_SOURCE",
    "stop-and-copy, BOTH",
  })
  void aSecond(String strategy, Direction direction) throws Exception {
    try (MemoryWorkload workload = start()) {
      String id;
      try (LinkCut cut = LinkCut.after(testbed, SENT_BEFORE, direction)) {
        id = testbed.longshore().begin(move(workload, strategy));
        cut.await();
        Thread.sleep(Duration.ofSeconds(1));
      }
      assertSentOnce(testbed.longshore().await(id));
      workload.assertRightOn("b");
    }
  }

  @Test
  void halfAMinuteAfterTheStep() throws Exception {
    try (MemoryWorkload workload = start()) {
      HostState onB = HostState.of(testbed, "b");
      String id;
      try (LinkCut cut = LinkCut.after(testbed, SENT_BEFORE, Direction.BOTH)) {
        id = testbed.longshore().begin(move(workload, "post-copy"));
        cut.await();
        long begin = System.nanoTime();
        // It needs all of its memory for that.
        assertThat(workload.reportIfAny("b", Duration.ofSeconds(12))).as("while cut").isEmpty();
        Migration waiting = testbed.longshore().get(id);
        assertThat(waiting.getState()).isEqualTo(State.STATE_PUSHING);
        assertThat(waiting.getProgress().getLinkCut()).as("%s", waiting).isTrue();
        Thread.sleep(Duration.ofSeconds(30).minusNanos(System.nanoTime() - begin));
      }
      assertSentOnce(testbed.longshore().await(id));
      workload.assertRightOn("b");
      onB.assertUnchanged(testbed, "process");
    }
  }

  @Test
  void someSecondsInARound() {
    try (MemoryWorkload workload = start("--dirty", "500")) {
      String id;
      try (LinkCut cut = LinkCut.after(testbed, SENT_BEFORE, Direction.TO_TARGET)) {
        id = testbed.longshore().begin(move(workload, "hybrid"));
        cut.await();
        // It asks no oftener than it must: before the step only so much of a cut is borne.
        Migration waiting =
            await()
                .atMost(Duration.ofSeconds(15))
                .pollInterval(Duration.ofMillis(200))
                .until(() -> testbed.longshore().get(id), now -> now.getProgress().getLinkCut());
        assertThat(waiting.getState()).isEqualTo(State.STATE_COPYING);
      }
      Migration migration = testbed.longshore().await(id);
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_SUCCEEDED);
      assertThat(migration.getResult().getRounds()).isGreaterThan(1);
      workload.assertWholeOn("b");
    }
  }

  /** In the push, in a round, and in the freeze, in which shared memory is sent. */
  @ParameterizedTest
  @CsvSource({
    "stop-and-copy, 0",
    "pre-copy,      0",
    "post-copy,     48m",
  })
  void forGoodBeforeTheStep(String strategy, String shared) {
    try (MemoryWorkload workload = start("--shared", shared)) {
      HostState onA = HostState.of(testbed, "a");
      HostState onB = HostState.of(testbed, "b");
      try (LinkCut cut = LinkCut.after(testbed, SENT_BEFORE, Direction.BOTH)) {
        String id = testbed.longshore().begin(move(workload, strategy));
        cut.await();
        Migration migration = testbed.longshore().await(id);
        assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_FAILED);
        assertThat(migration.getError().getReason()).isEqualTo("LINK_CUT");
        workload.assertRightOn("a");
      }
      onA.assertUnchanged(testbed);
      onB.assertUnchanged(testbed);
    }
  }

  /**
   * In the restore, which is held here as one is that waits for a page: the target gives it up by
   * itself, also when the coordinator cannot hear of it yet.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void forGoodInTheRestore(boolean fromTheCoordinatorToo) throws Exception {
    try (MemoryWorkload workload = start()) {
      HostState onA = HostState.of(testbed, "a");
      HostState onB = HostState.of(testbed, "b");
      Links links = new Links(testbed);
      Migration migration;
      try {
        String id = beginHeldInRestore(workload);
        if (fromTheCoordinatorToo) {
          links.cutOff("b");
        } else {
          links.cutApart("a", "b");
        }
        await()
            .atMost(GIVEN_UP)
            .until(() -> HostProcesses.find(testbed, "b", "criu restore").isEmpty());
        if (fromTheCoordinatorToo) {
          links.mend();
        }
        migration = testbed.longshore().await(id);
        MemoryReport report = workload.assertRightOn("a");
        System.out.printf("link: stood still for %s%n", report.longestGap());
        assertThat(report.longestGap()).isBetween(PATIENCE, GIVEN_UP);
      } finally {
        links.mend();
      }
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_FAILED);
      if (!fromTheCoordinatorToo) {
        assertThat(migration.getError().getReason()).isEqualTo("LINK_CUT");
      }
      onA.assertUnchanged(testbed);
      onB.assertUnchanged(testbed);
    }
  }

  @Test
  void someSecondsInTheRestore() throws Exception {
    try (MemoryWorkload workload = start()) {
      String id = beginHeldInRestore(workload);
      Links links = new Links(testbed);
      links.cutApart("a", "b");
      try {
        // It is noticed after 4 s, and then borne for 10 s.
        Thread.sleep(Duration.ofSeconds(8));
      } finally {
        links.mend();
      }
      testbed.shell("b", "echo go >/run/longshore/target/$1/work/barrier/pre-restore.answer", id);
      Migration migration = testbed.longshore().await(id);
      assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_SUCCEEDED);
      workload.assertRightOn("b");
    }
  }

  /**
   * Begins a post-copy whose restore is held before anything is restored: CRIU's barrier holds it
   * at each action for which there is a FIFO. Returns its migration.
   */
  private String beginHeldInRestore(MemoryWorkload workload) {
    CompletableFuture<String> begun =
        CompletableFuture.supplyAsync(() -> testbed.longshore().begin(move(workload, "post-copy")));
    testbed.shell(
        "b",
        """
        for attempt in $(seq 3000); do
          for work in /run/longshore/target/*/work; do
            if [ -d "$work" ]; then
              mkdir -m 700 "$work/barrier" && exec mkfifo "$work/barrier/pre-restore.answer"
            fi
          done
          sleep 0.01
        done
        exit 1
        """);
    String id = begun.join();
    testbed.longshore().awaitState(id, State.STATE_RESTORING);
    return id;
  }

  private MemoryWorkload start(String... more) {
    List<String> options =
        new ArrayList<>(List.of("--size", "96m", "--threads", "2", "--children", "1"));
    options.addAll(List.of(more));
    return MemoryWorkload.start(testbed, "a", options.toArray(String[]::new));
  }

  private static Move move(MemoryWorkload workload, String strategy) {
    return Move.of("a", "b", workload.pid(), "--strategy", strategy);
  }

  private static void assertSentOnce(Migration migration) {
    assertThat(migration.getState()).as("%s", migration).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(migration.getResult().getBytesOnWire())
        .as("all of it, and once more what was on its way")
        .isLessThan(migration.getResult().getMemoryBytes() * 11 / 10 + (LOST + 4) * MIB);
  }
}
