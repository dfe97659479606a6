package io.longshore.source.pages;

import org.jspecify.annotations.Nullable;

/** A data stream to the target has failed. */
public final class TransferBrokenException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final boolean cut;

  /**
   * @param message which stream, and what the other side or the network said
   */
  public TransferBrokenException(String message, @Nullable Throwable cause) {
    this(message, cause, false);
  }

  private TransferBrokenException(String message, @Nullable Throwable cause, boolean cut) {
    super(message, cause);
    this.cut = cut;
  }

  /** That the other side has not ended it, as far as is known here. */
  public static TransferBrokenException cut(String message, @Nullable Throwable cause) {
    return new TransferBrokenException(message, cause, true);
  }

  /** Whether the link was cut, as far as is known here: the other side has said nothing. */
  public boolean isCut() {
    return cut;
  }
}
