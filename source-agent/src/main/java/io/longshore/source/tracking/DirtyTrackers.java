package io.longshore.source.tracking;

import io.longshore.linux.PageMapScan;
import io.longshore.linux.SoftDirty;
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
   * The best that the kernel offers, which is tried on memory of this process first: userfaultfd,
   * soft-dirty, or content hash.
   *
   * @param folder where programs can be run; nothing stays in it
   */
  public static DirtyTracker forThisKernel(Path folder) {
    try {
      return switch (nameForThisKernel()) {
        case UserfaultfdTracker.NAME -> UserfaultfdTracker.in(folder);
        case SoftDirtyTracker.NAME -> SoftDirtyTracker.in(folder);
        default -> new ContentHashTracker();
      };
    } catch (IOException e) {
      log.warn("What is written is found by hashes: no program can be started in {}", folder, e);
      return new ContentHashTracker();
    }
  }

  /** {@link DirtyTracker#name()} of that. */
  public static String nameForThisKernel() {
    try {
      if (PageMapScan.isSupported() && WriteProtectionCheck.isReliable()) {
        return UserfaultfdTracker.NAME;
      }
      return SoftDirty.isReliable() ? SoftDirtyTracker.NAME : ContentHashTracker.NAME;
    } catch (IOException e) {
      throw new UncheckedIOException("this process's own memory cannot be looked at", e);
    }
  }
}
