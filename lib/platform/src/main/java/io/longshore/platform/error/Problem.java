package io.longshore.platform.error;

import java.util.Map;

/**
 * One thing that is wrong.
 *
 * @param reason why
 * @param message what was tried, what was found and where; one line
 * @param metadata names and values for programs (node, path, pid); keys in lowerCamelCase
 */
public record Problem(Reason reason, String message, Map<String, String> metadata) {
  /** Copies the metadata. */
  public Problem {
    metadata = Map.copyOf(metadata);
  }

  /** A problem without metadata. */
  public Problem(Reason reason, String message) {
    this(reason, message, Map.of());
  }
}
