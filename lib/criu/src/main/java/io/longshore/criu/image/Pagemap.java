package io.longshore.criu.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A pagemap image (images/pagemap.proto): which pages a task or a shared memory segment has, and
 * where their bytes are. The pages image holds the pages of all present entries, one after another,
 * in this order.
 *
 * @param pagesId which {@code pages-<id>.img} belongs to it
 * @param entries by ascending address, not overlapping
 */
public record Pagemap(long pagesId, List<PagemapEntry> entries) {

  private static final long MAX_UINT32 = 0xffff_ffffL;

  private static final int HEAD_PAGES_ID = 1;
  private static final int ENTRY_ADDRESS = 1;
  private static final int ENTRY_COMPAT_PAGES = 2;
  private static final int ENTRY_IN_PARENT = 3;
  private static final int ENTRY_FLAGS = 4;
  private static final int ENTRY_PAGES = 5;

  /** Refuses entries that overlap or do not ascend. */
  public Pagemap {
    if (pagesId < 0 || pagesId > MAX_UINT32) {
      throw new IllegalArgumentException("the id of a pages image has 32 bits, not " + pagesId);
    }
    entries = List.copyOf(entries);
    long end = 0;
    for (PagemapEntry entry : entries) {
      if (entry.address() < end) {
        throw new IllegalArgumentException(
            "pagemap entry at 0x%x begins before the end of the one before it, 0x%x"
                .formatted(entry.address(), end));
      }
      end = entry.endAddress();
    }
  }

  /**
   * Reads an image file.
   *
   * @throws ImageFormatException if it is not a pagemap of which every entry is understood
   */
  public static Pagemap read(Path file) throws IOException {
    return parse(ImageReader.open(file, ImageType.PAGEMAP));
  }

  /** As {@link #read}, from the remaining bytes of a buffer. */
  public static Pagemap parse(String name, ByteBuffer image) throws ImageFormatException {
    return parse(ImageReader.open(name, image, ImageType.PAGEMAP));
  }

  /**
   * The image that CRIU 4.1 and 4.2 both read: page counts stand in the old and in the new field.
   */
  public ByteBuffer encode() {
    ImageWriter writer = new ImageWriter(ImageType.PAGEMAP);
    writer.record(record -> record.writeUInt64(HEAD_PAGES_ID, pagesId));
    for (PagemapEntry entry : entries) {
      writer.record(
          record -> {
            record.writeUInt64(ENTRY_ADDRESS, entry.address());
            record.writeUInt64(ENTRY_COMPAT_PAGES, Math.min(entry.pages(), MAX_UINT32));
            record.writeUInt64(ENTRY_FLAGS, entry.flags());
            record.writeUInt64(ENTRY_PAGES, entry.pages());
          });
    }
    return writer.finish();
  }

  /** Writes the image to a new file or over an old one. */
  public void write(Path file) throws IOException {
    try (var channel =
        Files.newByteChannel(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      ByteBuffer image = encode();
      while (image.hasRemaining()) {
        channel.write(image);
      }
    }
  }

  /**
   * The same with more entries. A page is described once: by what is here, else by the first of the
   * others that has it.
   *
   * @param more in any order; they may overlap each other and what is here
   */
  public Pagemap with(List<PagemapEntry> more) {
    List<PagemapEntry> all = new ArrayList<>(entries);
    List<PagemapEntry> sorted = new ArrayList<>(more);
    sorted.sort(Comparator.comparingLong(PagemapEntry::address));
    int next = 0;
    long end = 0;
    for (PagemapEntry entry : sorted) {
      long from = Math.max(entry.address(), end);
      while (from < entry.endAddress()) {
        while (next < entries.size() && entries.get(next).endAddress() <= from) {
          next++;
        }
        long until = entry.endAddress();
        long then = until;
        if (next < entries.size() && entries.get(next).address() < until) {
          until = entries.get(next).address();
          then = entries.get(next).endAddress();
        }
        if (from < until) {
          long pages = (until - from) / PagemapEntry.PAGE_BYTES;
          all.add(new PagemapEntry(from, pages, entry.flags()));
        }
        from = then;
      }
      end = Math.max(end, entry.endAddress());
    }
    all.sort(Comparator.comparingLong(PagemapEntry::address));
    return new Pagemap(pagesId, all);
  }

  /** How many pages have all of these flags. */
  public long pagesWith(int flags) {
    return entries.stream()
        .filter(entry -> (entry.flags() & flags) == flags)
        .mapToLong(PagemapEntry::pages)
        .sum();
  }

  private static Pagemap parse(ImageReader reader) throws ImageFormatException {
    if (!reader.hasNext()) {
      throw new ImageFormatException("a pagemap has no head");
    }
    long pagesId = parseHead(reader.nextFields());
    List<PagemapEntry> entries = new ArrayList<>();
    while (reader.hasNext()) {
      entries.add(parseEntry(reader.nextFields()));
    }
    try {
      return new Pagemap(pagesId, entries);
    } catch (IllegalArgumentException refused) {
      throw new ImageFormatException("a pagemap is refused: " + refused.getMessage(), refused);
    }
  }

  private static long parseHead(RecordFields fields) throws ImageFormatException {
    long pagesId = -1;
    while (fields.next()) {
      if (fields.number() != HEAD_PAGES_ID) {
        throw unknown(fields);
      }
      pagesId = fields.uint32();
    }
    if (pagesId < 0) {
      throw fields.missing("pages_id");
    }
    return pagesId;
  }

  // Defaults as in init_compat_pagemap_entry, criu/pagemap.c.
  private static PagemapEntry parseEntry(RecordFields fields) throws ImageFormatException {
    long address = -1;
    long compatPages = -1;
    long pages = -1;
    long flags = -1;
    boolean inParent = false;
    while (fields.next()) {
      switch (fields.number()) {
        case ENTRY_ADDRESS -> address = fields.uint64();
        case ENTRY_COMPAT_PAGES -> compatPages = fields.uint32();
        case ENTRY_IN_PARENT -> inParent = fields.bool();
        case ENTRY_FLAGS -> flags = fields.uint32();
        case ENTRY_PAGES -> pages = fields.uint64();
        default -> throw unknown(fields);
      }
    }
    if (address < 0 || compatPages < 0) {
      throw fields.missing("vaddr or compat_nr_pages");
    }
    if (inParent) {
      flags = (flags < 0 ? 0 : flags) | PagemapEntry.PARENT;
    } else if (flags < 0) {
      flags = PagemapEntry.PRESENT;
    }
    try {
      return new PagemapEntry(
          address, pages < 0 ? compatPages : pages, (int) Math.min(flags, Integer.MAX_VALUE));
    } catch (IllegalArgumentException refused) {
      throw fields.refuse(refused);
    }
  }

  // A field that is not known may change what the others mean, as compression does in versions
  // after 4.2.
  private static ImageFormatException unknown(RecordFields fields) {
    return fields.refuse("unknown field " + fields.number() + "; was it written by a newer CRIU?");
  }
}
