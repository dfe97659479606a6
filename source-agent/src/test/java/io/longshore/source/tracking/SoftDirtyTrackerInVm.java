package io.longshore.source.tracking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.linux.Holder;
import io.longshore.linux.Pidfd;
import io.longshore.linux.SystemCallException;
import io.longshore.linux.Task;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Needs a kernel with soft-dirty bits: {@code deploy/test-soft-dirty} boots one. */
class SoftDirtyTrackerInVm {
  private static final long PAGES = 16 << 8;
  private static final long WRITTEN = (PAGES + 99) / 100;

  @TempDir Path folder;

  @Test
  void isWhatThisKernelOffers() {
    assertThat(DirtyTrackers.nameForThisKernel()).isEqualTo("soft-dirty");
    try (DirtyTracker tracker = DirtyTrackers.forThisKernel(folder)) {
      assertThat(tracker.name()).isEqualTo("soft-dirty");
      assertThat(tracker.needsToKnowWhatWasRead()).isFalse();
    }
  }

  /** Of a huge page all is named, so it has none. */
  @Test
  void namesAllAtFirstAndThenWhatWasWritten() throws Exception {
    try (Writer writer = Writer.start(folder, "small", PAGES);
        DirtyTracker tracker = SoftDirtyTracker.in(folder)) {
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
    }
  }

  /** The kernel moves page tables with their bits, and none of what is moved counts as written. */
  @Test
  void whatIsMovedOrDroppedIsNamed() throws Exception {
    try (Writer writer = Writer.start(folder, "moving", PAGES);
        DirtyTracker tracker = SoftDirtyTracker.in(folder);
        MemoryModel model = new MemoryModel()) {
      List<Integer> pids = List.of(writer.pid());
      for (int i = 0; i < 3; i++) {
        model.copy(tracker, tracker.scan(pids));
        writer.writeSome();
      }
      model.describe(pids);
      model.copy(tracker, tracker.scan(pids));
      assertThat(model.differences()).isEmpty();
      assertThat(model.compared()).isGreaterThanOrEqualTo(PAGES);
    }
  }

  @Test
  void aStoppedProcessIsTrackedAndStaysStopped() throws Exception {
    try (Writer writer = Writer.start(folder, "small", PAGES);
        DirtyTracker tracker = SoftDirtyTracker.in(folder)) {
      List<Integer> pids = List.of(writer.pid());
      assertThat(only(tracker.scan(pids)).pages()).isBetween(PAGES, PAGES + 200);
      writer.stop();
      assertThat(only(tracker.scan(pids)).pages()).isLessThan(50);
      assertThat(only(tracker.scan(pids)).pages()).isZero();
      assertThat(Task.read(writer.pid()).state()).isEqualTo(Task.State.STOPPED);
      writer.goOn();
      writer.writeSome();
      assertThat(only(tracker.scan(pids)).pages()).isBetween(WRITTEN, WRITTEN + 50);
    }
  }

  @Test
  void whatCannotBeHeldIsNamedAgain() throws Exception {
    try (Writer writer = Writer.start(folder, "small", PAGES);
        Holder another = Holder.start(folder);
        DirtyTracker tracker = SoftDirtyTracker.in(folder)) {
      List<Integer> pids = List.of(writer.pid());
      Holder.Outcome outcome =
          another.whileHeld(
              pids,
              Writer.PATIENCE,
              Writer.PATIENCE,
              () -> {
                assertThat(only(tracker.scan(pids)).pages()).isGreaterThanOrEqualTo(PAGES);
                assertThat(only(tracker.scan(pids)).pages()).isGreaterThanOrEqualTo(PAGES);
              });
      assertThat(outcome).isEqualTo(Holder.Outcome.HELD);
      assertThat(only(tracker.scan(pids)).pages()).isGreaterThanOrEqualTo(PAGES);
      // Where much else goes on it may take several tries.
      await()
          .atMost(Writer.PATIENCE)
          .untilAsserted(() -> assertThat(only(tracker.scan(pids)).pages()).isLessThan(50));
    }
  }

  @Test
  void aProcessThatHasEndedIsLeftOut() throws Exception {
    try (DirtyTracker tracker = SoftDirtyTracker.in(folder)) {
      int pid;
      try (Writer writer = Writer.start(folder, "small", 10)) {
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

  private static WrittenPages only(List<WrittenPages> written) {
    assertThat(written).hasSize(1);
    return written.getFirst();
  }
}
