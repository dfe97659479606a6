package io.longshore.criu.image;

import java.io.IOException;

/** An image is not what CRIU writes. Its bytes must not be used. */
public final class ImageFormatException extends IOException {

  /** With a message that says what was read and what was found. */
  public ImageFormatException(String message) {
    super(message);
  }

  ImageFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
