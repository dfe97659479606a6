package io.longshore.cli;

/** The command was used wrongly in a way that the parser of the command line cannot see. */
final class UsageException extends RuntimeException {
  UsageException(String message) {
    super(message);
  }
}
