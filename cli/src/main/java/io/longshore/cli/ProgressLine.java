package io.longshore.cli;

import io.longshore.v1.Migration;
import io.longshore.v1.Progress;

/** How far a migration is, in one line. */
final class ProgressLine {
  private static final int LONGEST_BAR = 30;
  private static final int SHORTEST_BAR = 5;

  private ProgressLine() {}

  /**
   * Phase, bar, share, rate and what remains, or what it waits for, in at most so many characters.
   */
  static String of(Migration migration, int width) {
    Progress progress = migration.getProgress();
    String phase = "%-12s".formatted(Words.of(migration.getState()));
    if (migration.getWaitingCount() > 0) {
      return cut(phase.strip() + " waits: " + WaitingText.brief(migration.getWaiting(0)), width);
    }
    if (progress.getTotalBytes() <= 0) {
      return cut(phase.strip() + " ...", width);
    }
    long total = progress.getTotalBytes();
    long moved = Math.clamp(progress.getMovedBytes(), 0, total);
    // 100 % only when nothing is left.
    long percent = (long) Math.floor(100.0 * moved / total);
    String rest = " %3d%%  %s".formatted(percent, amounts(progress, total - moved));
    int bar = Math.min(LONGEST_BAR, width - phase.length() - rest.length() - 3);
    return cut(bar < SHORTEST_BAR ? phase + rest : phase + bar(bar, moved, total) + rest, width);
  }

  private static String amounts(Progress progress, long left) {
    if (left == 0) {
      return Quantity.bytes(progress.getTotalBytes());
    }
    if (progress.getLinkCut()) {
      return Quantity.bytes(left) + " left, waiting for the link between the nodes";
    }
    String slowed =
        progress.getThrottledPercent() == 0
            ? ""
            : ", slowed to " + progress.getThrottledPercent() + "%";
    long rate = progress.getBytesPerSecond();
    if (rate <= 0) {
      return Quantity.bytes(left) + " left" + slowed;
    }
    return "%s/s  %s left, %s%s"
        .formatted(
            Quantity.bytes(rate),
            Quantity.bytes(left),
            Quantity.milliseconds(Math.round(1000.0 * left / rate)),
            slowed);
  }

  private static String bar(int length, long moved, long total) {
    int done = (int) Math.floor((double) length * moved / total);
    return "[" + "#".repeat(done) + "-".repeat(length - done) + "]";
  }

  private static String cut(String line, int width) {
    return line.length() <= width ? line : line.substring(0, width);
  }
}
