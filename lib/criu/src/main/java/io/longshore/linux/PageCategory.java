package io.longshore.linux;

/** Bits the kernel sorts pages into; linux/fs.h {@code PAGE_IS_*}. */
public final class PageCategory {
  /** Write-protection by userfaultfd is armed where the page is. */
  public static final long WRITE_PROTECT_ALLOWED = 1;

  /** Written since it was last write-protected. */
  public static final long WRITTEN = 1 << 1;

  /** Of a file or of shared memory. */
  public static final long FILE = 1 << 2;

  /** In memory. */
  public static final long PRESENT = 1 << 3;

  /** In swap. */
  public static final long SWAPPED = 1 << 4;

  /** The kernel's own page of zeros. */
  public static final long ZERO = 1 << 5;

  /** Part of a huge page. */
  public static final long HUGE = 1 << 6;

  /** Written since soft-dirty was cleared; needs {@code CONFIG_MEM_SOFT_DIRTY}. */
  public static final long SOFT_DIRTY = 1 << 7;

  private PageCategory() {}
}
