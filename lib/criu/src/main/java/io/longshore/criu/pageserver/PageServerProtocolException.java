package io.longshore.criu.pageserver;

import java.io.IOException;

/**
 * The peer said something that the page-server protocol does not allow. The connection cannot be
 * used any more.
 */
public final class PageServerProtocolException extends IOException {

  /** With a message that says what was read and what was found. */
  public PageServerProtocolException(String message) {
    super(message);
  }

  PageServerProtocolException(String message, Throwable cause) {
    super(message, cause);
  }
}
