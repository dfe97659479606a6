package io.longshore.criu.rpc;

import java.io.IOException;

/**
 * A request to CRIU has something that is not known here, so what it asks for could not be done as
 * it is meant. The message names it.
 */
public final class UnknownRequestException extends IOException {
  UnknownRequestException(String message) {
    super(message);
  }

  UnknownRequestException(String message, Throwable cause) {
    super(message, cause);
  }
}
