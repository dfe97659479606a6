package io.longshore.platform.config;

import org.jspecify.annotations.Nullable;

/**
 * The configuration cannot be used. The message is one line for operators: file, key, what was
 * found, what is expected.
 */
public final class ConfigurationException extends RuntimeException {
  /** A message for operators. */
  public ConfigurationException(String message) {
    super(message);
  }

  /** A message for operators and what caused it. */
  public ConfigurationException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
