package io.longshore.criu.rpc;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Writes messages as runc does, and as it does not. */
final class RequestBytes {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final CodedOutputStream out = CodedOutputStream.newInstance(bytes);

  static byte[] message(Consumer<RequestBytes> content) {
    RequestBytes message = new RequestBytes();
    content.accept(message);
    try {
      message.out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return message.bytes.toByteArray();
  }

  /** A request with options. */
  static byte[] request(int type, Consumer<RequestBytes> options) {
    return message(request -> request.number(1, type).bytes(2, message(options)));
  }

  RequestBytes number(int field, int value) {
    try {
      out.writeInt32(field, value);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  RequestBytes text(int field, String value) {
    return bytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  /** A message of two texts. */
  RequestBytes pair(int field, String first, String second) {
    return bytes(field, message(pair -> pair.text(1, first).text(2, second)));
  }

  RequestBytes bytes(int field, byte[] value) {
    try {
      out.writeByteArray(field, value);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
