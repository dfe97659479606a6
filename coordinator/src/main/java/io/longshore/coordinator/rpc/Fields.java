package io.longshore.coordinator.rpc;

import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.value.HostPort;
import java.util.regex.Pattern;

/**
 * Checks fields of requests. What is wrong is INVALID_ARGUMENT with the field's name, what was
 * found and what is expected.
 */
public final class Fields {
  private static final Pattern NODE_NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?");
  private static final int SHOWN = 80;

  private Fields() {}

  /** A text of 1 to {@code most} characters, none of them a control character. */
  public static String text(String field, String value, int most) {
    if (value.isEmpty()) {
      throw invalid(field, "is empty: it is required");
    }
    if (value.length() > most) {
      throw invalid(
          field, "has " + value.length() + " characters: at most " + most + " are allowed");
    }
    if (value.chars().anyMatch(Character::isISOControl)) {
      throw invalid(field, "has control characters: only printable ones are allowed");
    }
    return value;
  }

  /** The name of a node. */
  public static String nodeName(String field, String value) {
    text(field, value, 253);
    if (!NODE_NAME.matcher(value).matches()) {
      throw invalid(
          field,
          "is '"
              + shown(value)
              + "': a node's name has letters, digits, '.', '_' and '-', and begins and ends with a letter or digit");
    }
    return value;
  }

  /** A host and port that can be connected to. */
  public static String endpoint(String field, String value) {
    text(field, value, 300);
    try {
      if (HostPort.parse(value).port() == 0) {
        throw invalid(field, "is '" + shown(value) + "': port 0 cannot be connected to");
      }
    } catch (IllegalArgumentException e) {
      throw invalid(field, e.getMessage() == null ? "is not host:port" : e.getMessage());
    }
    return value;
  }

  /** A number within bounds, both included. */
  public static int between(String field, int value, int least, int most) {
    if (value < least || value > most) {
      throw invalid(field, "is " + value + ": it must be from " + least + " to " + most);
    }
    return value;
  }

  /** The error for a field. */
  public static LongshoreException invalid(String field, String what) {
    return new LongshoreException(Reason.INVALID_ARGUMENT, field + " " + what).with("field", field);
  }

  /** As much of what a caller sent as belongs into a message. */
  public static String shown(String value) {
    return value.length() <= SHOWN ? value : value.substring(0, SHOWN) + "…";
  }
}
