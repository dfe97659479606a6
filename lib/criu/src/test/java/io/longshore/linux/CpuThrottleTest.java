package io.longshore.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpuThrottleTest {
  /** Two processes that only compute, and whose own children come and go. */
  private static final String TREE = "(while :; do :; done) & while :; do /bin/true; done";

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String NAME = "test-throttle";

  @TempDir Path folder;
  private Child tree;
  private List<String> before;

  @BeforeEach
  void start() throws Exception {
    tree = Child.bash(TREE);
    await().until(() -> ProcessTree.of(tree.pid()).tasks().size() > 1);
    before = cgroups();
  }

  @AfterEach
  void end() throws Exception {
    tree.close();
    await().atMost(PATIENCE).until(() -> !tree.process().isAlive());
  }

  @Test
  void aTreeHasItsShareAndThenAllAgain() throws Exception {
    try (CpuThrottle throttle = CpuThrottle.start(folder, NAME, tree.pid())) {
      assertThat(folder).as("nothing stays in it").isEmptyDirectory();
      assertThat(CpuThrottle.names()).contains(NAME);
      throttle.limit(0.2);
      assertThat(processorsUsed()).isBetween(0.05, 0.3);
      throttle.limit(0.05);
      assertThat(processorsUsed()).isBetween(0.01, 0.1);
      throttle.limit(0.01);
      assertThat(processorsUsed()).isLessThan(0.04);
      throttle.lift();
      assertThat(processorsUsed()).isGreaterThan(0.15);
      throttle.limit(0.05);
      assertThat(processorsUsed()).isLessThan(0.1);
    }
    assertAllIsGivenBack();
    assertThat(processorsUsed()).isGreaterThan(0.15);
  }

  @Test
  void allIsGivenBackWhenWhoAskedIsKilled() throws Exception {
    try (Child asking = Child.java(Throttles.class, "" + tree.pid(), folder.toString())) {
      assertThat(asking.line()).isEqualTo("throttled");
      assertThat(processorsUsed()).isLessThan(0.2);
      asking.process().destroyForcibly().waitFor();
    }
    assertAllIsGivenBack();
  }

  /** To be killed. */
  static final class Throttles {
    public static void main(String[] arguments) throws Exception {
      CpuThrottle throttle =
          CpuThrottle.start(Path.of(arguments[1]), NAME, Integer.parseInt(arguments[0]));
      throttle.limit(0.1);
      System.out.println("throttled");
      while (System.in.read() >= 0) {
        // until it is killed
      }
    }
  }

  @Test
  void whatIsLeftIsEndedBySomebodyElse() throws Exception {
    try (CpuThrottle throttle = CpuThrottle.start(folder, NAME, tree.pid())) {
      throttle.limit(0.1);
      CpuThrottle.endLeft(folder, "another");
      assertThat(CpuThrottle.names()).contains(NAME);
      CpuThrottle.endLeft(folder, NAME);
      assertAllIsGivenBack();
    }
  }

  @Test
  void whatHasEndedIsGivenNothingBack() throws Exception {
    CpuThrottle throttle = CpuThrottle.start(folder, NAME, tree.pid());
    throttle.limit(0.1);
    end();
    throttle.close();
    throttle.close();
    assertThat(CpuThrottle.names()).doesNotContain(NAME);
    assertThatThrownBy(() -> throttle.limit(0.1)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> CpuThrottle.start(folder, NAME, tree.pid()))
        .isInstanceOf(IOException.class);
    assertThat(CpuThrottle.names()).doesNotContain(NAME);
  }

  private void assertAllIsGivenBack() {
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> assertThat(CpuThrottle.names()).as("cgroups left").doesNotContain(NAME));
    await().atMost(PATIENCE).untilAsserted(() -> assertThat(cgroups()).isEqualTo(before));
  }

  /** Of the tree: the root's are as good as everybody's. */
  private List<String> cgroups() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + tree.pid() + "/cgroup"));
  }

  /** Over a second, its children's that have ended included. */
  private double processorsUsed() throws Exception {
    long begin = System.nanoTime();
    Duration before = used();
    Thread.sleep(1000);
    return used().minus(before).toNanos() / (double) (System.nanoTime() - begin);
  }

  private Duration used() throws IOException {
    return ProcessorTime.of(ProcessTree.of(tree.pid()).tasks().stream().map(Task::pid).toList());
  }
}
