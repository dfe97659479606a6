package io.longshore.source.pages;

/**
 * Adjacent pages of one process.
 *
 * @param vpid process id in its own pid namespace, the name that the target knows
 * @param pid process id as this agent sees it, the name that the kernel knows here
 * @param firstPage address / 4096
 * @param count how many, at least 1
 */
public record PageRange(int vpid, int pid, long firstPage, int count) {
  public PageRange {
    if (firstPage < 0 || count < 1) {
      throw new IllegalArgumentException("no range of pages: " + firstPage + " + " + count);
    }
  }

  PageRange part(int from, int length) {
    return new PageRange(vpid, pid, firstPage + from, length);
  }
}
