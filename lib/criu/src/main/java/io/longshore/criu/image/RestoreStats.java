package io.longshore.criu.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;

/**
 * What CRIU says about a restore ({@code stats-restore}, images/stats.proto).
 *
 * @param pagesCompared pages compared with those of the parent task
 * @param pagesSkippedCow pages that the parent task shares
 * @param forking for which tasks were created
 * @param restore for which the restore ran
 * @param pagesRestored pages written into tasks
 */
public record RestoreStats(
    long pagesCompared,
    long pagesSkippedCow,
    Duration forking,
    Duration restore,
    long pagesRestored) {

  private static final int RESTORE = 2;
  private static final int FIGURES = 5;

  /**
   * Reads {@code stats-restore}.
   *
   * @throws ImageFormatException if it is not that
   */
  public static RestoreStats read(Path file) throws IOException {
    return parse(ImageReader.open(file, ImageType.STATS));
  }

  /** As {@link #read}, from the remaining bytes of a buffer. */
  public static RestoreStats parse(String name, ByteBuffer image) throws ImageFormatException {
    return parse(ImageReader.open(name, image, ImageType.STATS));
  }

  private static RestoreStats parse(ImageReader reader) throws ImageFormatException {
    long[] figure = StatsFigures.read(reader, RESTORE, FIGURES);
    return new RestoreStats(
        figure[1],
        figure[2],
        Duration.of(figure[3], ChronoUnit.MICROS),
        Duration.of(figure[4], ChronoUnit.MICROS),
        figure[5]);
  }
}
