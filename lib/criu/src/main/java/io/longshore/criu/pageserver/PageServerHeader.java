package io.longshore.criu.pageserver;

import io.longshore.criu.image.PagemapEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The head of a message.
 *
 * @param command what is asked
 * @param flags of the pages (see {@link PagemapEntry}); only {@link Command#ADD_F} has any
 * @param pages how many
 * @param address of the first page
 * @param destination whose pages: a bare pid for {@link Command#GET} and its answer, else see
 *     {@link PageImage}
 */
public record PageServerHeader(
    Command command, int flags, long pages, long address, long destination) {

  /** More pages than any address space has; a larger count is a header of the other layout. */
  private static final long MAX_PAGES = 1L << 44;

  private static final long ADDRESS_LIMIT = 1L << 56;
  private static final int COMMAND_BITS = 16;
  private static final int COMMAND_MASK = (1 << COMMAND_BITS) - 1;
  private static final long PAGES_MASK = 0xffff_ffffL;

  /** Refuses what cannot be encoded in either layout. */
  public PageServerHeader {
    if (flags < 0 || flags > (PagemapEntry.PARENT | PagemapEntry.LAZY | PagemapEntry.PRESENT)) {
      throw new IllegalArgumentException("unknown page flags 0x%x".formatted(flags));
    }
    if (pages < 0 || pages > MAX_PAGES) {
      throw new IllegalArgumentException("a page count of " + Long.toUnsignedString(pages));
    }
    if (address < 0 || address % PagemapEntry.PAGE_BYTES != 0 || address >= ADDRESS_LIMIT) {
      throw new IllegalArgumentException("0x%x is not the address of a page".formatted(address));
    }
    if (pages > (ADDRESS_LIMIT - address) / PagemapEntry.PAGE_BYTES) {
      throw new IllegalArgumentException(
          "%d pages do not fit behind the address 0x%x".formatted(pages, address));
    }
  }

  /** A message about no pages. */
  static PageServerHeader bare(Command command) {
    return new PageServerHeader(command, 0, 0, 0, 0);
  }

  /** Bytes of content that follow the header. */
  public long payloadBytes() {
    boolean follows =
        switch (command) {
          case ADD -> true;
          case ADD_F -> (flags & PagemapEntry.PRESENT) != 0;
          case HOLE, OPEN, OPEN2, PARENT, GET, CLOSE, FORCE_CLOSE -> false;
        };
    return follows ? pages * PagemapEntry.PAGE_BYTES : 0;
  }

  /**
   * Puts the header into {@code target} at its position.
   *
   * @throws IllegalArgumentException if the layout has no room for the page count
   */
  public void encode(HeaderLayout layout, ByteBuffer target) {
    ByteOrder order = target.order();
    target.order(ByteOrder.LITTLE_ENDIAN);
    target.putInt(command.code() | flags << COMMAND_BITS);
    switch (layout) {
      case BYTES_24 -> {
        if (pages > PAGES_MASK) {
          throw new IllegalArgumentException(pages + " pages do not fit into a 24-byte header");
        }
        target.putInt((int) pages);
      }
      case BYTES_32 -> target.putInt(0).putLong(pages);
    }
    target.putLong(address).putLong(destination);
    target.order(order);
  }

  /**
   * Takes a header out of {@code source}, which has all of its bytes.
   *
   * @throws PageServerProtocolException if the command is unknown or a number is out of range
   */
  public static PageServerHeader decode(HeaderLayout layout, ByteBuffer source)
      throws PageServerProtocolException {
    ByteBuffer bytes =
        source.slice(source.position(), layout.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    source.position(source.position() + layout.bytes());
    int word = bytes.getInt();
    long pages =
        switch (layout) {
          case BYTES_24 -> Integer.toUnsignedLong(bytes.getInt());
          case BYTES_32 -> bytes.getLong(2 * Integer.BYTES);
        };
    long address = bytes.getLong(layout.bytes() - 2 * Long.BYTES);
    long destination = bytes.getLong(layout.bytes() - Long.BYTES);
    Command command =
        Command.of(word & COMMAND_MASK)
            .orElseThrow(
                () ->
                    new PageServerProtocolException(
                        "unknown command 0x%08x; a newer CRIU, or the other header layout than %s?"
                            .formatted(word, layout)));
    int flags = word >>> COMMAND_BITS;
    if (flags != 0 && command != Command.ADD_F) {
      throw new PageServerProtocolException(
          "%s with flags 0x%x; only ADD_F has flags".formatted(command, flags));
    }
    try {
      return new PageServerHeader(command, flags, pages, address, destination);
    } catch (IllegalArgumentException refused) {
      throw new PageServerProtocolException(
          "%s in layout %s has %s".formatted(command, layout, refused.getMessage()), refused);
    }
  }
}
