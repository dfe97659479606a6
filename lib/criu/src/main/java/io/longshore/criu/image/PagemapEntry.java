package io.longshore.criu.image;

/**
 * Adjacent pages that are kept in the same way.
 *
 * @param address of the first page; in a shared memory segment, its offset
 * @param pages how many, at least one
 * @param flags any of {@link #PARENT}, {@link #LAZY} and {@link #PRESENT}, at least one
 */
public record PagemapEntry(long address, long pages, int flags) {

  /** The content is in the parent image. */
  public static final int PARENT = 1;

  /** May be restored after the task runs. */
  public static final int LAZY = 2;

  /** The bytes are in the pages image. */
  public static final int PRESENT = 4;

  /** Bytes of a page. */
  public static final int PAGE_BYTES = 4096;

  /** Where the addresses of user space end, with five levels of page tables. */
  private static final long ADDRESS_LIMIT = 1L << 56;

  /** Refuses what no pagemap of a task can hold. */
  public PagemapEntry {
    if (address < 0 || address % PAGE_BYTES != 0 || address >= ADDRESS_LIMIT) {
      throw new IllegalArgumentException(
          "0x%x is not the address of a page of user space".formatted(address));
    }
    if (pages < 1 || pages > (ADDRESS_LIMIT - address) / PAGE_BYTES) {
      throw new IllegalArgumentException(
          "%d pages do not fit behind the address 0x%x".formatted(pages, address));
    }
    if (flags == 0 || (flags & ~(PARENT | LAZY | PRESENT)) != 0) {
      throw new IllegalArgumentException("unknown pagemap flags 0x%x".formatted(flags));
    }
    if ((flags & PRESENT) != 0 && (flags & PARENT) != 0) {
      throw new IllegalArgumentException(
          "pages at 0x%x say they are both here and in the parent image".formatted(address));
    }
  }

  /** Whether the bytes are in the pages image. */
  public boolean isPresent() {
    return (flags & PRESENT) != 0;
  }

  /** Whether the pages may be restored after the task runs. */
  public boolean isLazy() {
    return (flags & LAZY) != 0;
  }

  /** Whether the content is in the parent image. */
  public boolean isInParent() {
    return (flags & PARENT) != 0;
  }

  /** The address behind the last page. */
  public long endAddress() {
    return address + bytes();
  }

  /** Bytes of all the pages. */
  public long bytes() {
    return pages * PAGE_BYTES;
  }
}
