package io.longshore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Tells pages of zeros from others at memory speed. */
public final class ZeroPages {
  private static final MemorySegment ZEROS =
      Arena.global().allocate(PageSize.BYTES, PageSize.BYTES).asReadOnly();

  private ZeroPages() {}

  /**
   * Whether the page at {@code offset} in {@code segment} holds only zeros.
   *
   * @param offset in bytes, a multiple of 8 from an aligned base
   */
  public static boolean isZero(MemorySegment segment, long offset) {
    // Most pages that are not zero show it here, before the comparison is set up.
    if (segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset) != 0
        || segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + PageSize.BYTES / 2) != 0) {
      return false;
    }
    return MemorySegment.mismatch(
            segment, offset, offset + PageSize.BYTES, ZEROS, 0, PageSize.BYTES)
        == -1;
  }
}
