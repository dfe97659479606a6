package io.longshore.source.pages;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.linux.CpuThrottle;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of a process that only computes. */
final class CpuStepsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String ID = "cpu-steps-test";

  @TempDir Path folder;
  private Process process;
  private CpuSteps steps;

  @BeforeEach
  void start() throws Exception {
    process = new ProcessBuilder("sh", "-c", "while :; do :; done").start();
    steps = new CpuSteps(ID, folder, (int) process.pid(), () -> Map.of((int) process.pid(), 1));
    steps.begin();
    Thread.sleep(300);
  }

  @AfterEach
  void end() throws Exception {
    steps.close();
    process.destroyForcibly().waitFor();
    assertThat(CpuThrottle.names()).doesNotContain(ID);
  }

  @Test
  void goesDownToTheLastStep() throws Exception {
    steps.want(true);
    for (int percent : List.of(50, 25, 12, 6, 3)) {
      assertThat(steps.slower()).isTrue();
      assertThat(steps.percent()).isEqualTo(percent);
    }
    assertThat(steps.slower()).isFalse();
    assertThat(CpuThrottle.names()).contains(ID);
    steps.ended(false);
    assertThat(steps.percent()).isEqualTo(100);
    assertThat(steps.slower()).isFalse();
  }

  @Test
  void waitsWhileNobodyFollowsAndGivesAllBackMeanwhile() throws Exception {
    CompletableFuture<Boolean> slowed = slower();
    Thread.sleep(100);
    assertThat(slowed).isNotDone();
    steps.want(true);
    assertThat(slowed.get(10, TimeUnit.SECONDS)).isTrue();
    steps.want(false);
    assertThat(steps.percent()).isEqualTo(100);
    CompletableFuture<Boolean> again = slower();
    Thread.sleep(100);
    assertThat(again).isNotDone();
    steps.close();
    assertThat(again.get(10, TimeUnit.SECONDS)).isFalse();
  }

  @Test
  void givesAllBackIfNoFreezeComes() throws Exception {
    steps.want(true);
    assertThat(steps.slower()).isTrue();
    steps.ended(true);
    assertThat(steps.percent()).isEqualTo(50);
    await().atMost(PATIENCE).until(() -> steps.percent() == 100);
  }

  private CompletableFuture<Boolean> slower() {
    CompletableFuture<Boolean> slowed = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(
            () -> {
              try {
                slowed.complete(steps.slower());
              } catch (Exception e) {
                slowed.completeExceptionally(e);
              }
            });
    return slowed;
  }
}
