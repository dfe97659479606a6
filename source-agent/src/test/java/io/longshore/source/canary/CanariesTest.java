package io.longshore.source.canary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.linux.Mapping;
import io.longshore.linux.Mappings;
import io.longshore.linux.ProcessTree;
import io.longshore.linux.Task;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With real canaries; as root, as a pid namespace needs. */
@Timeout(60)
final class CanariesTest {
  private static final int PAGES = (16 << 20) / 4096 - 1; // not divisible by three

  @TempDir Path folder;
  private Path canaryFolder;
  private Canaries canaries;

  @BeforeEach
  void start() {
    canaryFolder = folder.resolve("canaries");
    canaries = new Canaries(canaryFolder);
  }

  @AfterEach
  void stop() {
    canaries.stop();
  }

  private static boolean runs(int pid) {
    // A zombie, which waits for init, has no program any more.
    return ProcessHandle.of(pid).flatMap(process -> process.info().command()).isPresent();
  }

  @Test
  void isATreeWithAnIdOfItsOwnThatMayMeetItself() throws Exception {
    int pid = canaries.start("c-1");

    ProcessTree tree = ProcessTree.of(pid);
    assertThat(tree.tasks()).hasSize(2);
    Task root = tree.root();
    assertThat(root.ownPid()).isEqualTo(1);
    assertThat(root.ownThreadIds()).hasSize(2);
    assertThat(root.ownSessionId()).isEqualTo(1);
    assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/fd/1"))).hasToString("/dev/null");
    assertThat(Path.of("/proc/" + pid + "/fd")).isDirectoryNotContaining("glob:**/3");
  }

  @Test
  void checksAllItsMemoryAndLeavesNothing() throws Exception {
    int pid = canaries.start("c-1");

    assertThat(canaries.end("c-1")).isGreaterThanOrEqualTo(PAGES);

    assertThat(runs(pid)).isFalse();
    assertThat(canaryFolder).isEmptyDirectory();
  }

  @Test
  void startedAgainItIsTheSame() {
    assertThat(canaries.start("c-1")).isEqualTo(canaries.start("c-1"));
    assertThat(canaries.start("c-2")).isNotEqualTo(canaries.start("c-1"));
  }

  @Test
  void oneWrongByteIsFound() throws Exception {
    int pid = canaries.start("c-1");
    Mapping largest =
        Mappings.read(pid).stream()
            .filter(mapping -> mapping.kind() == Mapping.Kind.ANONYMOUS)
            .max(Comparator.comparingLong(mapping -> mapping.end() - mapping.start()))
            .orElseThrow();
    try (RandomAccessFile memory = new RandomAccessFile("/proc/" + pid + "/mem", "rw")) {
      // Page by page, for it may change one of them just now.
      for (long page = largest.end() - 16 * 4096; page < largest.end(); page += 4096) {
        memory.seek(page + 77);
        int before = memory.read();
        memory.seek(page + 77);
        memory.write(before ^ 1);
      }
    }

    assertThatThrownBy(() -> canaries.end("c-1"))
        .isInstanceOfSatisfying(
            LongshoreException.class, e -> assertThat(e.reason()).isEqualTo(Reason.WORKLOAD_LOST))
        .hasMessageContaining("wrong");
    assertThat(runs(pid)).isFalse();
    assertThat(canaryFolder).isEmptyDirectory();
  }

  @Test
  void oneThatWasKilledIsLost() throws Exception {
    int pid = canaries.start("c-1");
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();

    assertThatThrownBy(() -> canaries.end("c-1"))
        .isInstanceOfSatisfying(
            LongshoreException.class, e -> assertThat(e.reason()).isEqualTo(Reason.WORKLOAD_LOST));
    assertThat(canaryFolder).isEmptyDirectory();
  }

  @Test
  void oneThatNobodyEndsEndsItself() throws Exception {
    int pid = new Canary(canaryFolder.resolve("c-1")).start(1, Duration.ofSeconds(1));

    assertThat(runs(pid)).isTrue();
    Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> !runs(pid));
  }

  @Test
  void whatAKilledAgentLeftIsEndedAtTheNextStart() throws Exception {
    int pid = canaries.start("c-1");

    new Canaries(canaryFolder).start();

    assertThat(runs(pid)).isFalse();
    assertThat(canaryFolder).isEmptyDirectory();
  }

  @Test
  void stoppingEndsAll() throws Exception {
    int pid = canaries.start("c-1");

    canaries.stop();

    assertThat(runs(pid)).isFalse();
    assertThat(canaryFolder).isEmptyDirectory();
  }

  @Test
  void anIdIsNoPath() {
    assertThatThrownBy(() -> canaries.start("../c-1"))
        .isInstanceOfSatisfying(
            LongshoreException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_ARGUMENT));
  }
}
