package io.longshore.target.pages;

/** A page lies outside of the ranges that the images announced. */
public final class PageNotAnnouncedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  PageNotAnnouncedException(int vpid, long firstPage, int count) {
    super(
        "process %d has no lazy pages %#x to %#x"
            .formatted(vpid, firstPage, firstPage + count - 1));
  }
}
