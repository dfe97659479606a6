package io.longshore.source.pages;

import org.jspecify.annotations.Nullable;

/** A data stream to the target has failed. */
public final class TransferBrokenException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * @param message which stream, and what the other side or the network said
   */
  public TransferBrokenException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
