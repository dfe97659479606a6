package io.longshore.target.pages;

import java.nio.ByteBuffer;

/** Content of pages that tells which page it belongs to. */
final class Patterns {
  static final int PAGE = 4096;

  private Patterns() {}

  /** Every seventh page is zero. */
  static boolean isZero(long page) {
    return page % 7 == 3;
  }

  /** The content of adjacent pages, each as {@link #fill} makes it. */
  static ByteBuffer of(int vpid, long firstPage, int count) {
    ByteBuffer content = ByteBuffer.allocate(count * PAGE);
    for (int i = 0; i < count; i++) {
      fill(content, vpid, firstPage + i, 0);
    }
    return content.flip();
  }

  /** As {@link #of}, but another version of it. */
  static ByteBuffer of(int vpid, long page, int count, long version) {
    ByteBuffer content = ByteBuffer.allocate(count * PAGE);
    for (int i = 0; i < count; i++) {
      fill(content, vpid, page + i, version);
    }
    return content.flip();
  }

  private static void fill(ByteBuffer content, int vpid, long page, long version) {
    for (int at = 0; at < PAGE; at += 8) {
      content.putLong(page * 0x9E37_79B9_7F4A_7C15L + vpid * 31L + at + version * 0x1_0000_0001L);
    }
  }
}
