package io.longshore.source.tracking;

import io.longshore.linux.PageMapScan;
import io.longshore.linux.WriteProtectionCheck;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses a tracker. */
public final class DirtyTrackers {
  private static final Logger log = LoggerFactory.getLogger(DirtyTrackers.class);

  private DirtyTrackers() {}

  /**
   * The best that the kernel offers: userfaultfd, which is tried on memory of this process first,
   * or content hash.
   *
   * @param folder where programs can be run; nothing stays in it
   */
  public static DirtyTracker forThisKernel(Path folder) {
    if (isUserfaultfdReliable()) {
      try {
        return UserfaultfdTracker.in(folder);
      } catch (IOException e) {
        log.warn("What is written is found by hashes: no program can be started in {}", folder, e);
      }
    }
    return new ContentHashTracker();
  }

  /** {@link DirtyTracker#name()} of that. */
  public static String nameForThisKernel() {
    return isUserfaultfdReliable() ? UserfaultfdTracker.NAME : ContentHashTracker.NAME;
  }

  private static boolean isUserfaultfdReliable() {
    try {
      return PageMapScan.isSupported() && WriteProtectionCheck.isReliable();
    } catch (IOException e) {
      throw new UncheckedIOException("this process's own memory cannot be looked at", e);
    }
  }
}
