package io.longshore.linux;

/**
 * Which pages a {@link PageMapScan} reports.
 *
 * <p>A page matches if, after its bits in {@code inverted} have been flipped, it has all of {@code
 * all} and, unless that is 0, one of {@code any}. Fields are sets of {@link PageCategory}; see
 * Documentation/admin-guide/mm/pagemap.rst.
 *
 * @param flags {@link #PROTECT_MATCHING}, {@link #REQUIRE_ASYNC_PROTECTION}, both or 0
 * @param inverted categories whose absence counts
 * @param all categories that must all hold
 * @param any categories of which one must hold; 0 for no such condition
 * @param reported categories that are returned; pages that agree in these are one region
 */
public record PageQuery(long flags, long inverted, long all, long any, long reported) {
  /** Write-protects every page it reports: {@code PM_SCAN_WP_MATCHING}. */
  public static final long PROTECT_MATCHING = 1;

  /**
   * Fails with {@code EPERM} where asynchronous protection is not armed: {@code
   * PM_SCAN_CHECK_WPASYNC}.
   */
  public static final long REQUIRE_ASYNC_PROTECTION = 1 << 1;

  /**
   * Pages with content of the process's own: in memory or in swap, not of a file or shared memory,
   * not the kernel's page of zeros. What CRIU asks for (criu/pagemap-cache.c).
   */
  public static final PageQuery OWN_CONTENT =
      new PageQuery(
          0,
          PageCategory.FILE | PageCategory.ZERO,
          PageCategory.FILE | PageCategory.ZERO,
          PageCategory.PRESENT | PageCategory.SWAPPED,
          0);

  /** All pages in memory or in swap. */
  public static final PageQuery POPULATED =
      new PageQuery(0, 0, 0, PageCategory.PRESENT | PageCategory.SWAPPED, 0);

  /** Pages written since they were last protected. Only for memory with protection armed. */
  public static final PageQuery WRITTEN =
      new PageQuery(REQUIRE_ASYNC_PROTECTION, 0, PageCategory.WRITTEN, 0, 0);

  /** As {@link #WRITTEN}, and protects them again in the same step, so that no write is lost. */
  public static final PageQuery WRITTEN_THEN_PROTECT =
      new PageQuery(REQUIRE_ASYNC_PROTECTION | PROTECT_MATCHING, 0, PageCategory.WRITTEN, 0, 0);

  /**
   * Pages as in {@link #OWN_CONTENT} that were written since they were last protected, and protects
   * them again in the same step. What does not exist stays without a mark of its own, which to
   * others would look like a page in swap.
   */
  public static final PageQuery WRITTEN_OWN_CONTENT_THEN_PROTECT =
      new PageQuery(
          REQUIRE_ASYNC_PROTECTION | PROTECT_MATCHING,
          PageCategory.ZERO,
          PageCategory.WRITTEN | PageCategory.ZERO,
          PageCategory.PRESENT | PageCategory.SWAPPED,
          0);

  /** The same query that also returns {@code categories} of each region. */
  public PageQuery reporting(long categories) {
    return new PageQuery(flags, inverted, all, any, categories);
  }
}
