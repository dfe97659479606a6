package io.longshore.source.tracking;

import io.longshore.linux.PageMapScan;
import io.longshore.linux.WriteProtectionCheck;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** Chooses a tracker. */
public final class DirtyTrackers {
  private DirtyTrackers() {}

  /**
   * The best that the kernel offers: userfaultfd, which is tried on memory of this process first,
   * or content hash.
   *
   * @param folder where programs can be run; nothing stays in it
   */
  public static DirtyTracker forThisKernel(Path folder) throws IOException {
    return isUserfaultfdReliable() ? UserfaultfdTracker.in(folder) : new ContentHashTracker();
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
