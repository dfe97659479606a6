package io.longshore.cli;

/** The coordinator does not answer. */
final class UnreachableException extends RuntimeException {
  UnreachableException(String message, Throwable cause) {
    super(message, cause);
  }
}
