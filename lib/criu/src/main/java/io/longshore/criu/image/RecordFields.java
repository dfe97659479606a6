package io.longshore.criu.image;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Steps through the fields of one proto2 message by number: {@link #next}, then one of the value
 * methods or {@link #skip}. Every malformed byte ends in {@link ImageFormatException}.
 */
final class RecordFields {

  private static final long MAX_UINT32 = 0xffff_ffffL;

  private final String name;
  private final CodedInputStream in;
  private int tag;

  RecordFields(String name, ByteBuffer record) {
    this(name, copy(record));
  }

  private RecordFields(String name, byte[] record) {
    this.name = name;
    this.in = CodedInputStream.newInstance(record);
  }

  /** Goes to the next field; false at the end of the message. */
  boolean next() throws ImageFormatException {
    try {
      tag = in.readTag();
      return tag != 0;
    } catch (IOException failure) {
      throw malformed(failure);
    }
  }

  /** Number of the field. */
  int number() {
    return WireFormat.getTagFieldNumber(tag);
  }

  /** The value of a uint64 field, all 64 bits of it. */
  long bits64() throws ImageFormatException {
    expect(WireFormat.WIRETYPE_VARINT);
    try {
      return in.readUInt64();
    } catch (IOException failure) {
      throw malformed(failure);
    }
  }

  /** The value of a uint64 field whose value fits into 63 bits. */
  long uint64() throws ImageFormatException {
    long value = bits64();
    if (value < 0) {
      throw refuse(
          "field %d has the value %s, out of range"
              .formatted(number(), Long.toUnsignedString(value)));
    }
    return value;
  }

  /** The value of a uint32 field. */
  long uint32() throws ImageFormatException {
    return upTo(MAX_UINT32);
  }

  /** The value of a uint32 field that may not be larger than {@code maximum}. */
  long upTo(long maximum) throws ImageFormatException {
    long value = uint64();
    if (value > maximum) {
      throw new ImageFormatException(
          "%s: field %d has the value %d, more than %d".formatted(name, number(), value, maximum));
    }
    return value;
  }

  /** The value of a bool field. */
  boolean bool() throws ImageFormatException {
    return upTo(1) == 1;
  }

  /** The value of a string field. */
  String string() throws ImageFormatException {
    return new String(byteArray(), StandardCharsets.UTF_8);
  }

  /** The fields of an embedded message. */
  RecordFields message() throws ImageFormatException {
    return new RecordFields(name, byteArray());
  }

  /** Passes over a field whose value does not matter here. */
  void skip() throws ImageFormatException {
    int type = WireFormat.getTagWireType(tag);
    if (type == WireFormat.WIRETYPE_START_GROUP || type == WireFormat.WIRETYPE_END_GROUP) {
      throw new ImageFormatException(name + ": field " + number() + " is a group; CRIU has none");
    }
    try {
      in.skipField(tag);
    } catch (IOException failure) {
      throw malformed(failure);
    }
  }

  /** For a message without a field that it must have. */
  ImageFormatException missing(String field) {
    return new ImageFormatException(name + ": a record has no " + field);
  }

  /** For a value that cannot be. */
  ImageFormatException refuse(RuntimeException reason) {
    return new ImageFormatException(name + ": " + reason.getMessage(), reason);
  }

  /** For a value that cannot be. */
  ImageFormatException refuse(String what) {
    return new ImageFormatException(name + ": " + what);
  }

  private byte[] byteArray() throws ImageFormatException {
    expect(WireFormat.WIRETYPE_LENGTH_DELIMITED);
    try {
      // The stream reads from an array, so a length beyond its end is refused before anything is
      // allocated.
      return in.readByteArray();
    } catch (IOException failure) {
      throw malformed(failure);
    }
  }

  private void expect(int wireType) throws ImageFormatException {
    if (WireFormat.getTagWireType(tag) != wireType) {
      throw new ImageFormatException(
          "%s: field %d has wire type %d instead of %d"
              .formatted(name, number(), WireFormat.getTagWireType(tag), wireType));
    }
  }

  private ImageFormatException malformed(IOException failure) {
    return new ImageFormatException(
        name + ": a record is malformed: " + failure.getMessage(), failure);
  }

  private static byte[] copy(ByteBuffer record) {
    byte[] bytes = new byte[record.remaining()];
    record.get(record.position(), bytes);
    return bytes;
  }
}
