package io.longshore.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;

/**
 * Proto JSON as programs read it: fields that are zero or empty are there too, so that the shape is
 * always the same.
 */
final class Json {
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().alwaysPrintFieldsWithNoPresence();

  private Json() {}

  /** Over several lines. */
  static String of(Message message) {
    return print(PRINTER, message);
  }

  /** In one line, for streams of messages. */
  static String line(Message message) {
    return print(PRINTER.omittingInsignificantWhitespace(), message);
  }

  private static String print(JsonFormat.Printer printer, Message message) {
    try {
      return printer.print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("our messages have no Any", e);
    }
  }
}
