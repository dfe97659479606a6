package io.longshore.target.restore;

import io.longshore.criu.image.ForkWipedMemory;
import io.longshore.criu.image.ForkWipedMemory.Range;
import io.longshore.criu.image.ImageFormatException;
import io.longshore.criu.image.ImageName;
import io.longshore.linux.PageSize;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.PageInstaller;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Pages that the children of a process must find empty, {@code MADV_WIPEONFORK} of madvise(2), such
 * as the state of a random number generator. A child lacks what its parent lacks, and would be
 * given its parent's content: so nothing of them may be missing when the workload runs.
 */
final class ForkWipedPages {
  private final Map<Integer, List<Range>> byProcess;

  private ForkWipedPages(Map<Integer, List<Range>> byProcess) {
    this.byProcess = byProcess;
  }

  /**
   * Of all processes of the images in a folder.
   *
   * @throws LongshoreException CRIU_RESTORE_FAILED if one cannot be understood
   */
  static ForkWipedPages of(Path images) throws IOException {
    Map<Integer, List<Range>> byProcess = new HashMap<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(images, "mm-*.img")) {
      for (Path file : files) {
        ImageName name = ImageName.parse(String.valueOf(file.getFileName()));
        if (name.kind() == ImageName.Kind.MM) {
          byProcess.put((int) name.id().orElseThrow(), ForkWipedMemory.read(file));
        }
      }
    } catch (ImageFormatException e) {
      throw new LongshoreException(
          Reason.CRIU_RESTORE_FAILED, "the images cannot be understood: " + e.getMessage(), e);
    }
    return new ForkWipedPages(byProcess);
  }

  /**
   * Waits until all of them are there; most processes have none.
   *
   * @return whether they are: not within the limit, or never
   */
  boolean fillNow(PageInstaller filling, Duration limit) throws InterruptedException {
    boolean there = true;
    for (Map.Entry<Integer, List<Range>> process : byProcess.entrySet()) {
      for (Range range : process.getValue()) {
        there &=
            filling.fillNow(
                process.getKey(),
                range.start() / PageSize.BYTES,
                range.end() / PageSize.BYTES,
                limit);
      }
    }
    return there;
  }
}
