package io.longshore.target.restore;

import io.longshore.criu.image.ForkWipedMemory;
import io.longshore.criu.image.ForkWipedMemory.Range;
import io.longshore.criu.image.ImageFormatException;
import io.longshore.criu.image.ImageName;
import io.longshore.linux.PageSize;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.PageInstaller;
import io.longshore.target.pages.PageInstaller.Span;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Pages that the children of a process must find empty, {@code MADV_WIPEONFORK} of madvise(2), such
 * as the state of a random number generator. A child lacks what its parent lacks, and would be
 * given its parent's content: so nothing of them may be missing when the workload runs.
 */
final class ForkWipedPages {
  private final List<Span> spans;

  private ForkWipedPages(List<Span> spans) {
    this.spans = spans;
  }

  /**
   * Of all processes of the images in a folder.
   *
   * @throws LongshoreException CRIU_RESTORE_FAILED if one cannot be understood
   */
  static ForkWipedPages of(Path images) throws IOException {
    List<Span> spans = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(images, "mm-*.img")) {
      for (Path file : files) {
        ImageName name = ImageName.parse(String.valueOf(file.getFileName()));
        if (name.kind() == ImageName.Kind.MM) {
          int vpid = (int) name.id().orElseThrow();
          for (Range range : ForkWipedMemory.read(file)) {
            spans.add(new Span(vpid, range.start() / PageSize.BYTES, range.end() / PageSize.BYTES));
          }
        }
      }
    } catch (ImageFormatException e) {
      throw new LongshoreException(
          Reason.CRIU_RESTORE_FAILED, "the images cannot be understood: " + e.getMessage(), e);
    }
    return new ForkWipedPages(spans);
  }

  /**
   * Waits until all of them are there; most processes have none.
   *
   * @return whether they are: not within the limit, or never
   */
  boolean fillNow(PageInstaller filling, Duration limit) throws InterruptedException {
    return filling.fillNow(spans, limit);
  }
}
