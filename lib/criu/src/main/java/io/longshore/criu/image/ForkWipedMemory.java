package io.longshore.criu.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Mappings of a process that its children find empty, {@code MADV_WIPEONFORK} of madvise(2), from
 * its mm image (images/mm.proto, images/vma.proto).
 */
public final class ForkWipedMemory {
  private static final int VMAS = 14;
  private static final int START = 1;
  private static final int END = 2;
  private static final int ADVICE = 9;

  /** A bit for each advice by its number. */
  private static final long WIPE_ON_FORK = 1L << 18;

  /**
   * A mapping.
   *
   * @param start address of its first byte
   * @param end address behind its last
   */
  public record Range(long start, long end) {
    /** Refuses what is no mapping. */
    public Range {
      if (start < 0 || end <= start || ((start | end) & (PagemapEntry.PAGE_BYTES - 1)) != 0) {
        throw new IllegalArgumentException("no mapping: 0x%x to 0x%x".formatted(start, end));
      }
    }
  }

  private ForkWipedMemory() {}

  /**
   * Reads an image file.
   *
   * @throws ImageFormatException if it is not an mm image
   */
  public static List<Range> read(Path file) throws IOException {
    return parse(ImageReader.open(file, ImageType.MM).onlyFields());
  }

  /** As {@link #read}, from the remaining bytes of a buffer. */
  public static List<Range> parse(String name, ByteBuffer image) throws ImageFormatException {
    return parse(ImageReader.open(name, image, ImageType.MM).onlyFields());
  }

  private static List<Range> parse(RecordFields fields) throws ImageFormatException {
    List<Range> ranges = new ArrayList<>();
    while (fields.next()) {
      if (fields.number() == VMAS) {
        parseMapping(fields.message(), ranges);
      } else {
        fields.skip();
      }
    }
    return ranges;
  }

  private static void parseMapping(RecordFields fields, List<Range> ranges)
      throws ImageFormatException {
    // Those of the kernel's own mappings may have their highest bit set.
    long start = 0;
    long end = 0;
    long advice = 0;
    while (fields.next()) {
      switch (fields.number()) {
        case START -> start = fields.bits64();
        case END -> end = fields.bits64();
        case ADVICE -> advice = fields.bits64();
        default -> fields.skip();
      }
    }
    if ((advice & WIPE_ON_FORK) != 0) {
      try {
        ranges.add(new Range(start, end));
      } catch (IllegalArgumentException refused) {
        throw fields.refuse(refused);
      }
    }
  }
}
