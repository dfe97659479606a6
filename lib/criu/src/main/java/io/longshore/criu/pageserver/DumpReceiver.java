package io.longshore.criu.pageserver;

import io.longshore.criu.image.PagemapEntry;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * The session of one {@code criu dump --page-server}: OPEN2, any number of ADD_F, again for each
 * image, then CLOSE.
 */
final class DumpReceiver {

  private static final int CHUNK_BYTES = 1 << 20;

  private final HeaderStream stream;
  private final SocketChannel channel;
  private final PageSink sink;
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);

  private @Nullable PageImage open;
  private long end;
  private long images;
  private long entries;
  private long bytes;

  DumpReceiver(HeaderStream stream, SocketChannel channel, PageSink sink) {
    this.stream = stream;
    this.channel = channel;
    this.sink = sink;
  }

  ReceivedPages receive() throws IOException {
    while (true) {
      PageServerHeader header =
          stream
              .read()
              .orElseThrow(() -> new EOFException("criu dump ended the connection without CLOSE"));
      switch (header.command()) {
        case OPEN2 -> open(PageImage.of(header.destination()));
        case PARENT -> answerInt(sink.holds(PageImage.of(header.destination())) ? 1 : 0);
        case ADD_F -> add(header);
        case CLOSE, FORCE_CLOSE -> {
          answerInt(0);
          awaitEnd();
          return new ReceivedPages(images, entries, bytes);
        }
        case ADD, HOLE, OPEN, GET ->
            throw new PageServerProtocolException("criu dump does not say " + header);
      }
    }
  }

  private void open(PageImage image) throws IOException {
    boolean hasParent = sink.open(image);
    open = image;
    end = 0;
    images++;
    stream.write(ByteBuffer.wrap(new byte[] {(byte) (hasParent ? 1 : 0)}));
  }

  private void add(PageServerHeader header) throws IOException {
    PageImage image = open;
    if (image == null || image.destination() != header.destination()) {
      throw new PageServerProtocolException(header + " belongs to an image that is not open");
    }
    PagemapEntry entry = entry(header);
    if (entry.address() < end) {
      throw new PageServerProtocolException(
          "%s begins before 0x%x, where the pages before it end".formatted(header, end));
    }
    end = entry.endAddress();
    entries++;
    sink.entry(image, entry);
    if (entry.isPresent()) {
      receivePages(image, entry);
    }
  }

  private void receivePages(PageImage image, PagemapEntry entry) throws IOException {
    long at = entry.address();
    while (at < entry.endAddress()) {
      chunk.clear().limit((int) Math.min(CHUNK_BYTES, entry.endAddress() - at));
      stream.readFully(chunk);
      int received = chunk.flip().remaining();
      sink.pages(image, at, chunk);
      at += received;
      bytes += received;
    }
  }

  private static PagemapEntry entry(PageServerHeader header) throws PageServerProtocolException {
    try {
      return new PagemapEntry(header.address(), header.pages(), header.flags());
    } catch (IllegalArgumentException refused) {
      throw new PageServerProtocolException(header + ": " + refused.getMessage(), refused);
    }
  }

  private void answerInt(int value) throws IOException {
    stream.write(
        ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(0, value));
  }

  private void awaitEnd() throws IOException {
    chunk.clear().limit(1);
    if (channel.read(chunk) > 0) {
      throw new PageServerProtocolException("criu dump sent more after CLOSE");
    }
  }
}
