package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.DemandFaults;
import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.PushReport;
import io.longshore.coordinator.agent.RoundReport;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a migration measured so far. Null is what has not been measured yet.
 *
 * @param rounds how far the rounds are, or were
 * @param frozenAt when the freeze began, by the coordinator's clock
 * @param freezeTime from the start of the freeze until the images were complete
 * @param imageBytes bytes of images sent
 * @param pages pages that the agents move
 * @param stalePages of them those that the target did not have, or not as they were, at the freeze
 * @param restoreTime from complete images until held
 * @param downtime from the start of the freeze until it ran on the target
 * @param push how far the pages are that were stale
 * @param bytesPerSecond how fast pages are, over the last report
 * @param demandFaults what the workload waited for
 */
public record Measurements(
    RoundReport rounds,
    @Nullable Instant frozenAt,
    @Nullable Duration freezeTime,
    long imageBytes,
    long pages,
    long stalePages,
    @Nullable Duration restoreTime,
    @Nullable Duration downtime,
    PushReport push,
    long bytesPerSecond,
    DemandFaults demandFaults) {
  /** Size of a page, in bytes. */
  public static final long PAGE_BYTES = 4096;

  static final Measurements NONE =
      new Measurements(
          RoundReport.NONE,
          null,
          null,
          0,
          0,
          0,
          null,
          null,
          new PushReport(0, 0, 0, 0, 0, false, false),
          0,
          DemandFaults.NONE);

  /** The workload's memory that has to be moved: pages and the contents of images. */
  public long memoryBytes() {
    return pages * PAGE_BYTES + imageBytes;
  }

  /** Pages that have to be on the target in the end, as far as that is known. */
  public long totalPages() {
    if (pages == 0) {
      return Math.max(rounds.totalPages(), push.totalPages());
    }
    return Math.max(pages, push.totalPages());
  }

  /** Pages of them that are there. */
  public long movedPages() {
    if (pages == 0 && push.totalPages() == 0) {
      return rounds.heldPages();
    }
    // A push that is taken up again sends more than was stale.
    long toPush = push.totalPages() == 0 ? stalePages : push.totalPages();
    return Math.max(0, totalPages() - toPush) + push.storedPages();
  }

  Measurements copied(RoundReport report, long rate) {
    return new Measurements(
        report,
        frozenAt,
        freezeTime,
        imageBytes,
        pages,
        stalePages,
        restoreTime,
        downtime,
        push,
        rate,
        demandFaults);
  }

  Measurements frozen(FreezeReport report, Instant at) {
    return new Measurements(
        rounds,
        at,
        report.freezeTime(),
        report.imageBytes(),
        report.pages(),
        report.stalePages(),
        restoreTime,
        downtime,
        push,
        bytesPerSecond,
        demandFaults);
  }

  Measurements held(Duration time) {
    return new Measurements(
        rounds,
        frozenAt,
        freezeTime,
        imageBytes,
        pages,
        stalePages,
        time,
        downtime,
        push,
        bytesPerSecond,
        demandFaults);
  }

  Measurements resumed(Instant at) {
    Duration gap =
        frozenAt == null || at.isBefore(frozenAt) ? null : Duration.between(frozenAt, at);
    return new Measurements(
        rounds,
        frozenAt,
        freezeTime,
        imageBytes,
        pages,
        stalePages,
        restoreTime,
        gap,
        push,
        bytesPerSecond,
        demandFaults);
  }

  Measurements pushed(PushReport report, long rate) {
    return new Measurements(
        rounds,
        frozenAt,
        freezeTime,
        imageBytes,
        pages,
        stalePages,
        restoreTime,
        downtime,
        report,
        rate,
        demandFaults);
  }

  Measurements completed(DemandFaults faults) {
    return new Measurements(
        rounds,
        frozenAt,
        freezeTime,
        imageBytes,
        pages,
        stalePages,
        restoreTime,
        downtime,
        push,
        bytesPerSecond,
        faults);
  }
}
