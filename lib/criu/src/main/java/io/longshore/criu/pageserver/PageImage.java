package io.longshore.criu.pageserver;

import io.longshore.criu.image.ImageName;

/**
 * The pagemap that pages of a dump belong to, as {@link Command#OPEN2}, {@link Command#PARENT} and
 * {@link Command#ADD_F} name it (criu/page-xfer.c, {@code encode_pm}).
 *
 * @param kind what has the pages
 * @param id a pid in its own pid namespace, or the id of a shared memory segment
 */
public record PageImage(Kind kind, long id) {

  private static final int KIND_BITS = 8;
  private static final long MAX_ID = (1L << 54) - 1;

  /** What has pages. */
  public enum Kind {
    /** A task. */
    TASK(1),
    /** A shared memory segment. */
    SHARED_MEMORY(2);

    private final int code;

    Kind(int code) {
      this.code = code;
    }
  }

  /** Refuses ids that cannot be encoded. */
  public PageImage {
    if (id < 0 || id > MAX_ID) {
      throw new IllegalArgumentException("not the id of a pagemap: " + id);
    }
  }

  /** The number on the wire. */
  public long destination() {
    return id << KIND_BITS | kind.code;
  }

  /** Name of the pagemap image. */
  public ImageName pagemapName() {
    return switch (kind) {
      case TASK -> ImageName.pagemap(id);
      case SHARED_MEMORY -> ImageName.pagemapShmem(id);
    };
  }

  /**
   * The image that a header names.
   *
   * @throws PageServerProtocolException if the number means none; the codes of CRIU 3.2 and older
   *     are not known here
   */
  public static PageImage of(long destination) throws PageServerProtocolException {
    long code = destination & ((1 << KIND_BITS) - 1);
    long id = destination >>> KIND_BITS;
    for (Kind kind : Kind.values()) {
      if (kind.code == code && id <= MAX_ID) {
        return new PageImage(kind, id);
      }
    }
    throw new PageServerProtocolException(
        "0x%016x names no pagemap of a task or of shared memory".formatted(destination));
  }
}
