package io.longshore.linux;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The pages of a process's private anonymous memory that exist, on any kernel: with {@link
 * PageMapScan} where there is that, else with {@link PageMapEntries}. One thread at a time.
 */
public final class OwnPages implements AutoCloseable {
  private final @Nullable PageMapScan scan;
  private final @Nullable PageMapEntries entries;

  private OwnPages(@Nullable PageMapScan scan, @Nullable PageMapEntries entries) {
    this.scan = scan;
    this.entries = entries;
  }

  /** Of a process that may run. */
  public static OwnPages of(int pid) throws IOException {
    return PageMapScan.isSupported() ? new OwnPages(PageMapScan.open(pid), null) : withoutScan(pid);
  }

  static OwnPages withoutScan(int pid) throws IOException {
    return new OwnPages(null, PageMapEntries.open(pid));
  }

  /** Reports pages in memory or in swap in {@code [start, end)}, a private anonymous mapping. */
  public void find(long start, long end, PageConsumer consumer) throws IOException {
    if (scan != null) {
      long _ =
          scan.scan(
              start,
              end,
              PageQuery.OWN_CONTENT,
              (first, last, categories) -> consumer.accept(first, last));
    }
    if (entries != null) {
      entries.find(start, end, 0, consumer);
    }
  }

  @Override
  public void close() {
    if (scan != null) {
      scan.close();
    }
    if (entries != null) {
      entries.close();
    }
  }
}
