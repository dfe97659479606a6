package io.longshore.target.pages;

import org.jspecify.annotations.Nullable;

/** The source sent more pages than were admitted. */
public final class PageStoreFullException extends RuntimeException {
  private static final long serialVersionUID = 1;

  PageStoreFullException(long announcedPages, long admittedPages) {
    super(
        "the images describe %d pages; %d were admitted".formatted(announcedPages, admittedPages));
  }

  PageStoreFullException(long mappedBytes, @Nullable Throwable cause) {
    super("the page store cannot hold more than " + mappedBytes + " bytes", cause);
  }
}
