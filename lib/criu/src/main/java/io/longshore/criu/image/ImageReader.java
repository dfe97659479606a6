package io.longshore.criu.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * Reads the framing of an image (criu/image.c, criu/protobuf.c): magic numbers, then records, each
 * a length and that many bytes. Every length is checked against what is there before it is
 * believed. Not for use by several threads.
 */
public final class ImageReader {

  /** Largest image that is read into memory. Pages are never read this way. */
  static final long MAX_BYTES = 256L << 20;

  private final String name;
  private final ByteBuffer bytes;

  private ImageReader(String name, ByteBuffer bytes) {
    this.name = name;
    this.bytes = bytes;
  }

  /**
   * Reads a file.
   *
   * @throws ImageFormatException if it does not begin as {@code type} does, or is larger than 256
   *     MiB
   */
  public static ImageReader open(Path file, ImageType type) throws IOException {
    Path fileName = file.getFileName();
    return open(fileName == null ? "image" : fileName.toString(), readAll(file), type);
  }

  /**
   * Reads the remaining bytes of a buffer, whose position is left alone.
   *
   * @param name for messages
   * @throws ImageFormatException if they do not begin as {@code type} does
   */
  public static ImageReader open(String name, ByteBuffer image, ImageType type)
      throws ImageFormatException {
    ByteBuffer bytes = image.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.remaining() < type.headerBytes()) {
      throw new ImageFormatException(
          name + " has " + bytes.remaining() + " bytes: too short for the image " + type);
    }
    if (type.family() != 0) {
      checkMagic(name, type, type.family(), bytes.getInt());
    }
    checkMagic(name, type, type.magic(), bytes.getInt());
    return new ImageReader(name, bytes);
  }

  /** Whether another record follows. */
  public boolean hasNext() {
    return bytes.hasRemaining();
  }

  /**
   * The bytes of the next record, a view of the image.
   *
   * @throws ImageFormatException if the image ends within it
   */
  public ByteBuffer next() throws ImageFormatException {
    int at = bytes.position();
    if (bytes.remaining() < Integer.BYTES) {
      throw new ImageFormatException(name + " ends within the length of the record at byte " + at);
    }
    long length = Integer.toUnsignedLong(bytes.getInt());
    if (length > bytes.remaining()) {
      throw new ImageFormatException(
          "%s: the record at byte %d says %d bytes, but %d follow"
              .formatted(name, at, length, bytes.remaining()));
    }
    ByteBuffer record = bytes.slice(bytes.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(bytes.position() + (int) length);
    return record;
  }

  /** The fields of the next record. */
  RecordFields nextFields() throws ImageFormatException {
    return new RecordFields(name, next());
  }

  /** The only record of the image. */
  RecordFields onlyFields() throws ImageFormatException {
    if (!hasNext()) {
      throw new ImageFormatException(name + " has no record");
    }
    RecordFields fields = nextFields();
    if (hasNext()) {
      throw new ImageFormatException(name + " has more than one record");
    }
    return fields;
  }

  private static void checkMagic(String name, ImageType type, int expected, int found)
      throws ImageFormatException {
    if (expected != found) {
      throw new ImageFormatException(
          "%s is not an image of type %s: it has the magic number 0x%08x instead of 0x%08x"
              .formatted(name, type, found, expected));
    }
  }

  private static ByteBuffer readAll(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      if (size > MAX_BYTES) {
        throw new ImageFormatException(
            "%s has %d bytes, more than the %d that an image may have"
                .formatted(file.getFileName(), size, MAX_BYTES));
      }
      ByteBuffer bytes = ByteBuffer.allocate((int) size);
      while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
        // reads on until the buffer is full or the file, cut meanwhile, ends
      }
      return bytes.flip();
    }
  }
}
