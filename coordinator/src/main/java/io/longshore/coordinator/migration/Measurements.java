package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.PushReport;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a migration measured so far. Null is what has not been measured yet.
 *
 * @param frozenAt when the freeze began, by the coordinator's clock
 * @param freezeTime from the start of the freeze until the images were complete
 * @param imageBytes bytes of images sent
 * @param pages pages that the agents move
 * @param restoreTime from complete images until held
 * @param downtime from the start of the freeze until it ran on the target
 * @param push how far the pages are
 * @param bytesPerSecond how fast the pages are, over the last report
 * @param demandFaults pages the workload waited for because they were still on the source
 */
public record Measurements(
    @Nullable Instant frozenAt,
    @Nullable Duration freezeTime,
    long imageBytes,
    long pages,
    @Nullable Duration restoreTime,
    @Nullable Duration downtime,
    PushReport push,
    long bytesPerSecond,
    long demandFaults) {
  /** Size of a page, in bytes. */
  public static final long PAGE_BYTES = 4096;

  static final Measurements NONE =
      new Measurements(null, null, 0, 0, null, null, new PushReport(0, 0, 0, 0, 0, false), 0, 0);

  /** The workload's memory that has to be moved: pages and the contents of images. */
  public long memoryBytes() {
    return pages * PAGE_BYTES + imageBytes;
  }

  Measurements frozen(FreezeReport report, Instant at) {
    return new Measurements(
        at,
        report.freezeTime(),
        report.imageBytes(),
        report.pages(),
        restoreTime,
        downtime,
        push,
        bytesPerSecond,
        demandFaults);
  }

  Measurements held(Duration time) {
    return new Measurements(
        frozenAt,
        freezeTime,
        imageBytes,
        pages,
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
        frozenAt,
        freezeTime,
        imageBytes,
        pages,
        restoreTime,
        gap,
        push,
        bytesPerSecond,
        demandFaults);
  }

  Measurements pushed(PushReport report, long rate) {
    return new Measurements(
        frozenAt, freezeTime, imageBytes, pages, restoreTime, downtime, report, rate, demandFaults);
  }

  Measurements completed(long faults) {
    return new Measurements(
        frozenAt,
        freezeTime,
        imageBytes,
        pages,
        restoreTime,
        downtime,
        push,
        bytesPerSecond,
        faults);
  }
}
