package io.longshore.criu.rpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;

/** Steps through the fields of one message of a request: {@link #next}, then one of the others. */
final class MessageFields {
  private final String name;
  private final CodedInputStream in;
  private int tag;

  /**
   * @param name what the message is, for errors
   */
  MessageFields(String name, byte[] message) {
    this.name = name;
    // From an array: a length that goes beyond its end is refused before anything is allocated.
    this.in = CodedInputStream.newInstance(message);
  }

  /** Goes to the next field; false at the end. */
  boolean next() throws UnknownRequestException {
    try {
      tag = in.readTag();
      return tag != 0;
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  int number() {
    return WireFormat.getTagFieldNumber(tag);
  }

  /** The value of a field of 32 bits. */
  int int32() throws UnknownRequestException {
    expect(WireFormat.WIRETYPE_VARINT);
    try {
      return in.readInt32();
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  boolean bool() throws UnknownRequestException {
    return int32() != 0;
  }

  /** Text that can be an argument of a program. */
  String text() throws UnknownRequestException {
    expect(WireFormat.WIRETYPE_LENGTH_DELIMITED);
    try {
      String text = in.readStringRequireUtf8();
      if (text.indexOf('\0') >= 0) {
        throw new UnknownRequestException(name + " has a text with a zero in it");
      }
      return text;
    } catch (UnknownRequestException e) {
      throw e;
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  MessageFields message(String inner) throws UnknownRequestException {
    expect(WireFormat.WIRETYPE_LENGTH_DELIMITED);
    try {
      return new MessageFields(inner, in.readByteArray());
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  void skip() throws UnknownRequestException {
    int type = WireFormat.getTagWireType(tag);
    if (type == WireFormat.WIRETYPE_START_GROUP || type == WireFormat.WIRETYPE_END_GROUP) {
      throw new UnknownRequestException(name + " has a group, and CRIU has none");
    }
    try {
      in.skipField(tag);
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  /** For a field that is not known. */
  UnknownRequestException unknown() {
    return new UnknownRequestException(
        "%s has the field %d, which is not known here".formatted(name, number()));
  }

  private void expect(int type) throws UnknownRequestException {
    if (WireFormat.getTagWireType(tag) != type) {
      throw new UnknownRequestException(
          "%s: the field %d has another type than is known here".formatted(name, number()));
    }
  }

  private UnknownRequestException malformed(IOException cause) {
    return new UnknownRequestException(name + " is malformed: " + cause.getMessage(), cause);
  }
}
