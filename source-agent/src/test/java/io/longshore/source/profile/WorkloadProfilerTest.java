package io.longshore.source.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.source.profile.WorkloadProfile.Interval;
import io.longshore.source.tracking.Writer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With real processes. */
final class WorkloadProfilerTest {
  private static final int PAGES = 64 << 8;
  private static final Duration TIME = Duration.ofMillis(800);

  @TempDir Path folder;
  private final WorkloadProfiler profiler = new WorkloadProfiler(new Random());

  @Test
  void findsNothingWrittenByAQuietProcessAndAllOfItsMemory() throws Exception {
    try (Writer writer = Writer.start(folder, "quiet", PAGES)) {
      WorkloadProfile profile = profiler.profile(writer.pid(), TIME);

      assertThat(profile.sizes().pages()).isBetween(PAGES * 4096L, (PAGES + 200) * 4096L);
      assertThat(profile.sizes().filePrivate()).isPositive();
      assertThat(profile.sampledPages()).isEqualTo(4096);
      assertThat(profile.written()).hasSize(2);
      assertThat(profile.written()).extracting(Interval::changedPages).containsOnly(0);
      assertThat(profile.written().getFirst().length()).isGreaterThanOrEqualTo(TIME.dividedBy(4));
      assertThat(profile.written().getLast().length()).isGreaterThanOrEqualTo(TIME);
      assertThat(profile.compressedShare()).isBetween(0.0, 1.0);
    }
  }

  @Test
  void seesTheShareOfPagesThatAreWrittenAgainAndAgain() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    try (Writer writer = Writer.start(folder, "quiet", PAGES)) {
      CompletableFuture<Void> writing =
          CompletableFuture.runAsync(
              () -> {
                while (!over.get()) {
                  write(writer);
                }
              });
      WorkloadProfile profile = profiler.profile(writer.pid(), TIME);
      over.set(true);
      writing.join();

      // Each hundredth of 16384 pages, of which 4096 were drawn: 41, give or take 5.5.
      int changed = profile.written().getLast().changedPages();
      assertThat(changed).isBetween(41 - 28, 41 + 28);
      // All of them were written within a quarter of the time, so it is the working set.
      assertThat(profile.written().getFirst().changedPages()).isBetween(changed - 5, changed);
    }
  }

  private static void write(Writer writer) {
    try {
      writer.writeSome();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void failsIfThereIsNoSuchProcess() {
    assertThatThrownBy(() -> profiler.profile(4_000_000, TIME)).isInstanceOf(IOException.class);
  }
}
