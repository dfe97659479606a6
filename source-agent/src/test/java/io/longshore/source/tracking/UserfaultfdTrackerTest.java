package io.longshore.source.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuDump;
import io.longshore.criu.run.DumpOptions;
import io.longshore.linux.Pidfd;
import io.longshore.linux.SystemCallException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UserfaultfdTrackerTest {
  private static final long PAGES = 64 << 8;
  private static final long WRITTEN = (PAGES + 99) / 100;

  @TempDir Path folder;

  @Test
  void isWhatThisKernelOffers() throws Exception {
    try (DirtyTracker tracker = DirtyTrackers.forThisKernel(folder)) {
      assertThat(tracker.name()).isEqualTo("userfaultfd");
      assertThat(tracker.needsToKnowWhatWasRead()).isFalse();
    }
  }

  @Test
  void namesAllAtFirstAndThenWhatWasWritten() throws Exception {
    try (Writer writer = Writer.start(folder, "quiet", PAGES);
        DirtyTracker tracker = UserfaultfdTracker.in(folder)) {
      List<Integer> pids = List.of(writer.pid());
      assertThat(only(tracker.scan(pids)).pages()).isBetween(PAGES, PAGES + 200);
      // The stack and what the C library keeps is written as well.
      assertThat(only(tracker.scan(pids)).pages()).isLessThan(50);
      writer.writeSome();
      WrittenPages written = only(tracker.scan(pids));
      assertThat(written.pages()).isBetween(WRITTEN, WRITTEN + 50);
      for (long i = 0; i < WRITTEN; i++) {
        long page = writer.firstPage() + i * 100;
        assertThat(written.ranges())
            .anyMatch(
                range -> range.firstPage() <= page && page < range.firstPage() + range.count());
      }
      closed(tracker);
      assertThat(Files.readString(Path.of("/proc/" + writer.pid() + "/smaps")))
          .doesNotContain(" uw");
    }
  }

  private static void closed(DirtyTracker tracker) {
    tracker.close();
  }

  @Test
  void aProcessThatHasEndedIsLeftOut() throws Exception {
    try (DirtyTracker tracker = UserfaultfdTracker.in(folder)) {
      int pid;
      try (Writer writer = Writer.start(folder, "quiet", 10)) {
        pid = writer.pid();
        assertThat(tracker.scan(List.of(pid))).hasSize(1);
      }
      try (Pidfd process = Pidfd.open(pid)) {
        assertThat(process.awaitExit(Writer.PATIENCE)).isTrue();
      } catch (SystemCallException e) {
        // Gone already.
      }
      assertThat(tracker.scan(List.of(pid))).isEmpty();
    }
  }

  /** Tracked, dumped while it is, and looked at a last time in the hands of CRIU. */
  @ParameterizedTest(name = "{0}, hiding pages: {1}")
  @CsvSource({
    "LONGSHORE_CRIU_4_1, false",
    "LONGSHORE_CRIU_4_1, true",
    "LONGSHORE_CRIU_4_2, false",
    "LONGSHORE_CRIU_4_2, true"
  })
  void criuDumpsWhatIsTracked(String name, boolean hiding) throws Exception {
    Criu criu =
        Criu.probe(
            Path.of(System.getProperty(name, String.valueOf(System.getenv(name)))),
            Duration.ofSeconds(20));
    Path images = Files.createDirectory(folder.resolve("images"));
    Path work = Files.createDirectory(folder.resolve("work"));
    try (Writer writer = Writer.start(folder, "quiet", PAGES);
        DirtyTracker tracker = UserfaultfdTracker.in(folder);
        MemoryModel model = new MemoryModel()) {
      List<Integer> pids = List.of(writer.pid());
      model.copy(tracker, tracker.scan(pids));
      writer.writeSome();
      model.copy(tracker, tracker.scan(pids));
      writer.writeSome();
      DumpOptions options = DumpOptions.of(writer.pid(), images, work);
      CriuDump dump = CriuDump.start(criu, hiding ? options.withHiddenPages() : options);
      try {
        dump.awaitReady(Writer.PATIENCE);
        assertThat(dump.hiddenPages().isEmpty()).isEqualTo(!hiding);
        model.describe(pids);
        List<WrittenPages> last = tracker.scan(pids);
        assertThat(only(last).pages()).isBetween(WRITTEN, WRITTEN + 100);
        model.copy(tracker, last);
        assertThat(model.differences()).isEmpty();
        assertThat(model.compared()).isGreaterThanOrEqualTo(PAGES);
      } finally {
        dump.kill();
      }
      writer.writeSome();
    }
  }

  private static WrittenPages only(List<WrittenPages> written) {
    assertThat(written).hasSize(1);
    return written.getFirst();
  }
}
