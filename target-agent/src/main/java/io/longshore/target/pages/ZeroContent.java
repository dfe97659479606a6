package io.longshore.target.pages;

import io.longshore.linux.PageSize;
import java.nio.ByteBuffer;
import java.util.List;

/** Bytes of zero pages, shared by all who need some. */
final class ZeroContent {
  private static final int PAGES = 256;
  private static final ByteBuffer ZEROS =
      ByteBuffer.allocateDirect(PAGES * PageSize.BYTES).asReadOnlyBuffer();

  private ZeroContent() {}

  /** Appends the content of {@code count} zero pages. */
  static void append(int count, List<ByteBuffer> content) {
    for (int left = count; left > 0; left -= PAGES) {
      content.add(ZEROS.slice(0, Math.min(left, PAGES) * PageSize.BYTES));
    }
  }
}
