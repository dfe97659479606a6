package io.longshore.criu.image;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** Writes the framing of an image into memory. */
final class ImageWriter {

  /** Writes the fields of one record. */
  interface RecordBody {
    void write(CodedOutputStream record) throws IOException;
  }

  private final ByteArrayOutputStream image = new ByteArrayOutputStream();
  private final ByteArrayOutputStream record = new ByteArrayOutputStream();

  ImageWriter(ImageType type) {
    if (type.family() != 0) {
      writeInt(type.family());
    }
    writeInt(type.magic());
  }

  void record(RecordBody body) {
    record.reset();
    try {
      CodedOutputStream fields = CodedOutputStream.newInstance(record, 64);
      body.write(fields);
      fields.flush();
      writeInt(record.size());
      record.writeTo(image);
    } catch (IOException impossible) {
      throw new UncheckedIOException("writing to memory failed", impossible);
    }
  }

  ByteBuffer finish() {
    return ByteBuffer.wrap(image.toByteArray());
  }

  private void writeInt(int value) {
    image.write(value);
    image.write(value >>> 8);
    image.write(value >>> 16);
    image.write(value >>> 24);
  }
}
