package io.longshore.criu.pageserver;

import io.longshore.criu.image.PagemapEntry;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Receives the pages of a dump, on one thread, in the order in which CRIU sends them. */
public interface PageSink {

  /**
   * An image begins; the one before it, if any, is complete.
   *
   * @return whether an earlier round of the same image is held, so that CRIU may leave out what did
   *     not change
   */
  boolean open(PageImage image) throws IOException;

  /** Pre-dump asks whether an earlier round of an image is held. */
  default boolean holds(PageImage image) throws IOException {
    return false;
  }

  /**
   * Adjacent pages, by ascending address. If they are present, {@link #pages} follows until all of
   * them came.
   */
  void entry(PageImage image, PagemapEntry entry) throws IOException;

  /**
   * Content of pages of the last entry: whole pages, at most 1 MiB at a time.
   *
   * @param bytes valid during the call only
   */
  void pages(PageImage image, long address, ByteBuffer bytes) throws IOException;
}
