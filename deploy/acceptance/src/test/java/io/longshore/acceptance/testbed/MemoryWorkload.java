package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A process tree that knows what its memory must hold: deploy/workloads/memory.c. */
final class MemoryWorkload implements AutoCloseable {
  /** Stands at {@link #heart}, before the number that grows as long as it runs. */
  static final long HEART = 0x6c6f6e6773686f72L;

  private static final String FOLDER = "/var/memory-workload";

  private final Testbed testbed;
  private final int pid;
  private final String hash;
  private final long heart;

  private MemoryWorkload(Testbed testbed, int pid, String hash, long heart) {
    this.testbed = testbed;
    this.pid = pid;
    this.hash = hash;
    this.heart = heart;
  }

  /** Returns when all of its memory is filled. */
  static MemoryWorkload start(Testbed testbed, String host, String... options) {
    return startCopy(testbed, host, Checkout.workload("memory"), options);
  }

  /** The same, but of a copy of the program. */
  static MemoryWorkload startCopy(Testbed testbed, String host, String program, String... options) {
    List<String> words = new ArrayList<>(List.of(program, "--folder", FOLDER));
    words.addAll(List.of(options));
    JsonObject started =
        JsonParser.parseString(testbed.on(host, words.toArray(String[]::new)).run().expectSuccess())
            .getAsJsonObject();
    return new MemoryWorkload(
        testbed,
        started.get("pid").getAsInt(),
        started.get("hash").getAsString(),
        started.get("heart").getAsLong());
  }

  int pid() {
    return pid;
  }

  /** The address of its heart in each of its processes. */
  long heart() {
    return heart;
  }

  /** Has it compare and hash all of its memory, wherever it runs. */
  MemoryReport report(String host) {
    return MemoryReport.parse(
        testbed.shell(
            host,
            """
            rm -f "$1/report"
            kill -USR1 "$2" || exit 1
            for attempt in $(seq 1200); do
              if [ -s "$1/report" ]; then exec cat "$1/report"; fi
              sleep 0.05
            done
            echo "the workload does not answer: $(cat "/proc/$2/status" "/proc/$2/wchan")" >&2
            exit 1
            """,
            FOLDER,
            Integer.toString(pid)));
  }

  /** As {@link #report}, but it may not come to an answer: nothing then. */
  String reportIfAny(String host, Duration patience) {
    return testbed.shell(
        host,
        """
        rm -f "$1/report"
        kill -USR1 "$2" || exit 1
        sleep "$3"
        [ ! -s "$1/report" ] || cat "$1/report"
        """,
        FOLDER,
        Integer.toString(pid),
        Long.toString(patience.toSeconds()));
  }

  /**
   * It runs there as if nothing had happened: every page as it was filled, no child, file or token
   * lost, and tokens still going round. Returns what it reported first.
   */
  MemoryReport assertRightOn(String host) {
    MemoryReport report = assertWholeOn(host);
    assertThat(report.hash()).as("hash").isEqualTo(hash);
    return report;
  }

  /** The same of one that overwrites its memory. Returns what it reported first. */
  MemoryReport assertWholeOn(String host) {
    MemoryReport first = report(host);
    assertThat(first.wrongPages()).as("wrong pages of %s", first).isZero();
    assertThat(first.sharedDiffers()).as("processes with other shared memory").isZero();
    assertThat(first.wrongFiles()).as("wrong files").isZero();
    assertThat(first.childrenLost()).as("children lost").isZero();
    assertThat(first.wrongTokens()).as("wrong tokens").isZero();
    MemoryReport second = report(host);
    assertThat(second.pipeTokens()).as("tokens through pipes").isGreaterThan(first.pipeTokens());
    assertThat(second.socketTokens())
        .as("tokens through sockets")
        .isGreaterThan(first.socketTokens());
    assertThat(second.wrongTokens()).as("wrong tokens").isZero();
    return first;
  }

  /** Ends it on whatever host it is. */
  @Override
  public void close() {
    for (String host : Testbed.NODES) {
      testbed.shell(
          host,
          """
          while kill -s KILL -- "-$1" 2>/dev/null; do sleep 0.05; done
          rm -rf "$2"
          """,
          Integer.toString(pid),
          FOLDER);
    }
  }
}
