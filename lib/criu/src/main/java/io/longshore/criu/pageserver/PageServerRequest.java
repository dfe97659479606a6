package io.longshore.criu.pageserver;

import io.longshore.criu.image.PagemapEntry;

/** What {@code criu lazy-pages} asks its page server. */
public sealed interface PageServerRequest {

  /**
   * It wants pages. It keeps asking for what an answer leaves out.
   *
   * @param pid of the task, in its own pid namespace
   * @param address of the first page
   * @param pages how many, at least one
   */
  record Get(long pid, long address, long pages) implements PageServerRequest {

    /** The address behind the last page. */
    public long endAddress() {
      return address + pages * PagemapEntry.PAGE_BYTES;
    }
  }

  /**
   * It ends and waits for a status. It says so both when it has everything it needs and when it has
   * failed, for example because the restore was aborted: only its exit status tells which.
   */
  record Close() implements PageServerRequest {}
}
