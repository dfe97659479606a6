package io.longshore.target.pages;

/**
 * Adjacent pages of an address space.
 *
 * @param firstPage address / 4096
 * @param count how many, at least 1
 */
public record PageRange(long firstPage, int count) {
  public PageRange {
    if (firstPage < 0 || count < 1 || firstPage > (1L << 52) - count) {
      throw new IllegalArgumentException("no range of pages: " + firstPage + " + " + count);
    }
  }

  long endPage() {
    return firstPage + count;
  }
}
