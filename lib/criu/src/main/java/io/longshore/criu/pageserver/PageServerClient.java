package io.longshore.criu.pageserver;

import io.longshore.criu.image.PagemapEntry;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;

/**
 * The one connection that {@code criu dump --lazy-pages} accepts, on 127.0.0.1, while it holds the
 * tree frozen.
 *
 * <p>How it ends decides what becomes of the tree: {@link #close} ends the dump well (with {@code
 * --leave-stopped} the tree stays stopped), {@link #abort} makes the dump fail, so that the tree
 * runs on. A connection that merely breaks, also because this process dies, counts for CRIU as
 * {@link #close}: that is why this is no {@link AutoCloseable} that a failing block would close,
 * and why it should be opened no sooner than the decision. Not for use by several threads.
 */
public final class PageServerClient {

  /** No command of any version; CRIU ends the dump with an error when it reads it. */
  private static final int UNKNOWN_COMMAND = 0x99;

  /** Requests that may be unanswered at a time, so that neither side blocks in a write. */
  private static final int MAX_PENDING = 64;

  private final SocketChannel channel;
  private final HeaderLayout layout;
  private final HeaderStream stream;
  private final Queue<PageServerHeader> pending = new ArrayDeque<>();

  private PageServerClient(SocketChannel channel, HeaderLayout layout) {
    this.channel = channel;
    this.layout = layout;
    this.stream = new HeaderStream(channel, layout);
  }

  /** Connects to 127.0.0.1. Only the first client ever gets through to CRIU. */
  public static PageServerClient connect(int port, HeaderLayout layout) throws IOException {
    SocketChannel channel =
        SocketChannel.open(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      return new PageServerClient(channel, layout);
    } catch (IOException failure) {
      channel.close();
      throw failure;
    }
  }

  /**
   * Asks for pages, without waiting for the answer. Everything between {@code address} and its end
   * must be in lazy entries of the task's pagemap: anything else ends the dump, and the pid of no
   * task crashes it.
   *
   * @throws IllegalStateException if 64 requests are unanswered
   */
  public void request(long pid, long address, long pages) throws IOException {
    if (pending.size() >= MAX_PENDING) {
      throw new IllegalStateException(
          MAX_PENDING + " page requests are unanswered; read them first");
    }
    PageServerHeader get = new PageServerHeader(Command.GET, 0, pages, address, pid);
    stream.write(get);
    pending.add(get);
  }

  /**
   * Reads the answer to the oldest request: page bytes into {@code target}, which must have room
   * for all that were asked for.
   *
   * @return how many pages came, from the asked address on; CRIU may send fewer than were asked for
   * @throws IllegalStateException if nothing was asked
   * @throws PageServerProtocolException if the answer does not fit the request
   */
  public long readPages(ByteBuffer target) throws IOException {
    PageServerHeader asked = pending.poll();
    if (asked == null) {
      throw new IllegalStateException("no page request is unanswered");
    }
    PageServerHeader answer =
        stream
            .read()
            .orElseThrow(
                () ->
                    new EOFException(
                        "CRIU ended the connection instead of answering "
                            + asked
                            + "; its log says why"));
    boolean fits =
        answer.command() == Command.ADD_F
            && (answer.flags() & PagemapEntry.PRESENT) != 0
            && answer.address() == asked.address()
            && answer.destination() == asked.destination()
            && answer.pages() >= 1
            && answer.pages() <= asked.pages();
    if (!fits) {
      throw new PageServerProtocolException("asked " + asked + " and was answered " + answer);
    }
    ByteBuffer room = target.slice(target.position(), (int) answer.payloadBytes());
    stream.readFully(room);
    target.position(target.position() + room.limit());
    return answer.pages();
  }

  /**
   * Ends the session well and waits for CRIU's answer. With {@code --leave-stopped} the tree is
   * left stopped, otherwise it is killed.
   *
   * @return CRIU's status, 0 if all went well; empty if CRIU ended the connection without one
   */
  public Optional<Integer> close() throws IOException {
    try (channel) {
      stream.write(PageServerHeader.bare(Command.CLOSE));
      // CRIU corks its answers: this one would come after 200 ms, or when it closes, for which it
      // waits for our end.
      channel.shutdownOutput();
      ByteBuffer status = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      try {
        stream.readFully(status);
      } catch (EOFException _) {
        return Optional.empty();
      }
      return Optional.of(status.flip().getInt());
    }
  }

  /**
   * Makes the dump fail, so that CRIU lets the tree run on, and waits until CRIU has understood: it
   * ends the connection.
   */
  public void abort() throws IOException {
    try (channel) {
      ByteBuffer message = ByteBuffer.allocate(layout.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      message.putInt(0, UNKNOWN_COMMAND);
      stream.write(message);
      ByteBuffer rest = ByteBuffer.allocate(1 << 16);
      while (channel.read(rest.clear()) >= 0) {
        // answers to requests that were still unanswered
      }
    }
  }
}
