package io.longshore.source.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What matters of a tracker: who copies what it names, when it names it, has in the end what the
 * processes have.
 */
class RandomWritesTest {
  /** Fewer where all is slow. */
  private static final int LEAST_SCANS = Integer.getInteger("longshore.tracking.scans", 15);

  private static final int LEAST_PAGES = 500;
  private static final int LEAST_PROCESSES = 3;
  private static final int MOST_STOPS = 10;
  private static final Duration TIME = Duration.ofSeconds(3);

  @TempDir Path folder;

  interface Maker {
    DirtyTracker in(Path folder) throws IOException;
  }

  /** The best that this kernel has, and what every kernel has. */
  static Stream<Arguments> trackersAndSeeds() {
    Random seeds = new Random();
    long fixed = 20261127;
    long other = seeds.nextInt(1 << 30);
    String name = DirtyTrackers.nameForThisKernel();
    Maker best = DirtyTrackers::forThisKernel;
    Maker hash = _ -> new ContentHashTracker();
    return Stream.of(
        Arguments.of(name, fixed, best),
        Arguments.of(name, other, best),
        Arguments.of("content-hash", fixed, hash),
        Arguments.of("content-hash", other, hash));
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("trackersAndSeeds")
  void noWriteIsMissed(String name, long seed, Maker make) throws Exception {
    Set<Integer> seen = new HashSet<>();
    try (Writer writer = Writer.start(folder, "random", seed);
        DirtyTracker tracker = make.in(folder);
        MemoryModel model = new MemoryModel()) {
      assertThat(tracker.name()).isEqualTo(name);
      // Stopped just after an execve it has a few pages only: then it goes on.
      for (int i = 0;
          i < MOST_STOPS && (model.compared() <= LEAST_PAGES || seen.size() <= LEAST_PROCESSES);
          i++) {
        copyWhileItWrites(writer, tracker, model, seen);
        writer.stop();
        List<Integer> pids = writer.pids();
        seen.addAll(pids);
        model.describe(pids);
        model.copy(tracker, tracker.scan(pids));
        assertThat(model.differences()).as("seed %d", seed).isEmpty();
        writer.goOn();
      }
      assertThat(model.compared()).isGreaterThan(LEAST_PAGES);
      assertThat(seen).as("processes").hasSizeGreaterThan(LEAST_PROCESSES);
      System.out.printf(
          "%s, seed %d: %d pages, %d processes seen%n", name, seed, model.compared(), seen.size());
    }
  }

  private static void copyWhileItWrites(
      Writer writer, DirtyTracker tracker, MemoryModel model, Set<Integer> seen)
      throws IOException {
    long end = System.nanoTime() + TIME.toNanos();
    for (int i = 0; i < LEAST_SCANS || System.nanoTime() < end; i++) {
      List<Integer> pids = writer.pids();
      seen.addAll(pids);
      model.copy(tracker, tracker.scan(pids));
    }
  }
}
