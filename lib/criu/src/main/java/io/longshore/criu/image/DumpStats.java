package io.longshore.criu.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;

/**
 * What CRIU says about a dump that it completed ({@code stats-dump}, images/stats.proto). Figures
 * that a version does not write are 0.
 *
 * @param freezing until all tasks were stopped
 * @param frozen for which the tasks were stopped
 * @param memoryDump for which pages were collected
 * @param memoryWrite for which pages were written
 * @param pagesScanned pages looked at
 * @param pagesSkippedParent pages left to the parent image
 * @param pagesWritten pages written
 * @param irmapResolve for which paths of inotify watches were searched, in microseconds
 * @param pagesLazy pages that may be restored later
 * @param pagePipes pipes used
 * @param pagePipeBuffers buffers used
 * @param sharedPagesScanned pages of shared memory looked at
 * @param sharedPagesSkippedParent pages of shared memory left to the parent image
 * @param sharedPagesWritten pages of shared memory written
 */
public record DumpStats(
    Duration freezing,
    Duration frozen,
    Duration memoryDump,
    Duration memoryWrite,
    long pagesScanned,
    long pagesSkippedParent,
    long pagesWritten,
    long irmapResolve,
    long pagesLazy,
    long pagePipes,
    long pagePipeBuffers,
    long sharedPagesScanned,
    long sharedPagesSkippedParent,
    long sharedPagesWritten) {

  private static final int DUMP = 1;
  private static final int FIGURES = 14;

  /**
   * Reads {@code stats-dump}.
   *
   * @throws ImageFormatException if it is not that
   */
  public static DumpStats read(Path file) throws IOException {
    return parse(ImageReader.open(file, ImageType.STATS));
  }

  /** As {@link #read}, from the remaining bytes of a buffer. */
  public static DumpStats parse(String name, ByteBuffer image) throws ImageFormatException {
    return parse(ImageReader.open(name, image, ImageType.STATS));
  }

  private static DumpStats parse(ImageReader reader) throws ImageFormatException {
    long[] figure = StatsFigures.read(reader, DUMP, FIGURES);
    return new DumpStats(
        microseconds(figure[1]),
        microseconds(figure[2]),
        microseconds(figure[3]),
        microseconds(figure[4]),
        figure[5],
        figure[6],
        figure[7],
        figure[8],
        figure[9],
        figure[10],
        figure[11],
        figure[12],
        figure[13],
        figure[14]);
  }

  private static Duration microseconds(long count) {
    return Duration.of(count, ChronoUnit.MICROS);
  }
}
