package io.longshore.agent.journal;

import java.io.IOException;

/** A file of a journal is not what was written: damaged, or of another version. */
public final class JournalFormatException extends IOException {
  private static final long serialVersionUID = 1;

  /**
   * @param message what was found
   */
  public JournalFormatException(String message) {
    super(message);
  }

  /**
   * @param message what was found
   */
  public JournalFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
