package io.longshore.criu.pageserver;

import io.longshore.criu.CriuVersion;

/**
 * How the header of every message is laid out: {@code struct page_server_iov}, criu/page-xfer.c.
 * Nothing is negotiated; a peer with the other layout is only ever noticed by headers that make no
 * sense. Little-endian, as the machines are.
 */
public enum HeaderLayout {
  /** Up to CRIU 4.1: u32 command, u32 pages, u64 address, u64 destination. */
  BYTES_24(24),
  /** From CRIU 4.2: u32 command, 4 bytes of padding, u64 pages, u64 address, u64 destination. */
  BYTES_32(32);

  private final int bytes;

  HeaderLayout(int bytes) {
    this.bytes = bytes;
  }

  /** The layout that a version of CRIU speaks. */
  public static HeaderLayout of(CriuVersion version) {
    return version.isAtLeast(CriuVersion.WIDE_PAGE_COUNTS) ? BYTES_32 : BYTES_24;
  }

  /** Bytes of a header. */
  public int bytes() {
    return bytes;
  }
}
