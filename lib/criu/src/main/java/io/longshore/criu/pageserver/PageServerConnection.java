package io.longshore.criu.pageserver;

import io.longshore.criu.image.PagemapEntry;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The connection of one {@code criu lazy-pages}. A thread of its own reads requests ahead, so that
 * whoever answers sees what waits behind the head; it stops reading when {@value #MAX_QUEUED} wait,
 * and the daemon then waits too.
 *
 * <p>The restored tree lives by this connection: if it ends before the daemon asked for that, the
 * tree is lost. So nothing here closes it but {@link #close}, which is for after {@link
 * #acknowledgeClose} or for a tree that is given up.
 *
 * <p>{@link #head}, {@link #queued} and the answers may be called by any threads; answers go out in
 * the order of the requests, as the daemon demands.
 */
public final class PageServerConnection implements AutoCloseable {

  private static final int MAX_QUEUED = 4096;

  private final SocketChannel channel;
  private final HeaderStream stream;
  private final Thread reader;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<PageServerRequest> requests = new ArrayDeque<>();
  private final ReentrantLock writing = new ReentrantLock();
  private @Nullable IOException ended;

  PageServerConnection(SocketChannel channel, HeaderLayout layout) {
    this.channel = channel;
    this.stream = new HeaderStream(channel, layout);
    this.reader = Thread.ofVirtual().name("page-requests").unstarted(this::readAhead);
  }

  void start() {
    reader.start();
  }

  /**
   * Waits for the request that must be answered next, and leaves it at the head of the queue.
   *
   * @return empty if none came in time
   * @throws EOFException if the daemon ended the connection: it has failed or was killed
   * @throws PageServerProtocolException if the daemon said something that cannot be understood
   */
  public Optional<PageServerRequest> head(Duration timeout)
      throws IOException, InterruptedException {
    long nanos = timeout.toNanos();
    lock.lockInterruptibly();
    try {
      while (requests.isEmpty()) {
        if (ended != null) {
          throw again(ended);
        }
        if (nanos <= 0) {
          return Optional.empty();
        }
        nanos = changed.awaitNanos(nanos);
      }
      return Optional.of(requests.getFirst());
    } finally {
      lock.unlock();
    }
  }

  /** All requests that were read and are unanswered, the head first. */
  public List<PageServerRequest> queued() {
    lock.lock();
    try {
      return List.copyOf(requests);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Answers the head with pages from its address on, and takes it off the queue. Header and buffers
   * go out in one gathering write, so direct buffers are not copied. Blocks while the daemon does
   * not read.
   *
   * @param get the head, to be sure that it is the one meant
   * @param pages whole pages, at least one and at most as many as were asked for; the daemon asks
   *     again for the rest
   * @throws IllegalArgumentException if the sizes do not fit
   * @throws IllegalStateException if {@code get} is not the head
   */
  public void reply(PageServerRequest.Get get, ByteBuffer... pages) throws IOException {
    long bytes = 0;
    for (ByteBuffer buffer : pages) {
      bytes += buffer.remaining();
    }
    long count = bytes / PagemapEntry.PAGE_BYTES;
    if (bytes % PagemapEntry.PAGE_BYTES != 0 || count < 1 || count > get.pages()) {
      throw new IllegalArgumentException(
          bytes + " bytes are no answer to a request for " + get.pages() + " pages");
    }
    writing.lock();
    try {
      takeOff(get);
      stream.write(
          new PageServerHeader(
              Command.ADD_F, PagemapEntry.PRESENT, count, get.address(), get.pid()),
          pages);
    } finally {
      writing.unlock();
    }
  }

  /**
   * Tells the daemon, which asked to close, that all is well, and takes its request off the queue.
   * It then exits with status 0.
   *
   * @throws IllegalStateException if the head is not a {@link PageServerRequest.Close}
   */
  public void acknowledgeClose() throws IOException {
    writing.lock();
    try {
      takeOff(new PageServerRequest.Close());
      stream.write(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN));
    } finally {
      writing.unlock();
    }
  }

  /** Closes the socket. If the daemon had not asked for it, it fails and the tree is lost. */
  @Override
  public void close() throws IOException {
    channel.close();
  }

  private void readAhead() {
    try {
      while (true) {
        PageServerHeader header =
            stream
                .read()
                .orElseThrow(() -> new EOFException("criu lazy-pages ended the connection"));
        PageServerRequest request = understand(header);
        lock.lockInterruptibly();
        try {
          while (requests.size() >= MAX_QUEUED) {
            changed.await();
          }
          requests.addLast(request);
          changed.signalAll();
        } finally {
          lock.unlock();
        }
      }
    } catch (IOException failure) {
      end(failure);
    } catch (InterruptedException _) {
      end(new EOFException("reading page requests was interrupted"));
    }
  }

  private static PageServerRequest understand(PageServerHeader header)
      throws PageServerProtocolException {
    return switch (header.command()) {
      case GET -> {
        if (header.pages() < 1) {
          throw new PageServerProtocolException("a request for no pages: " + header);
        }
        yield new PageServerRequest.Get(header.destination(), header.address(), header.pages());
      }
      case CLOSE, FORCE_CLOSE -> new PageServerRequest.Close();
      case ADD, HOLE, OPEN, OPEN2, PARENT, ADD_F ->
          throw new PageServerProtocolException(
              "criu lazy-pages asks only GET and CLOSE, not " + header);
    };
  }

  private void takeOff(PageServerRequest expected) {
    lock.lock();
    try {
      if (!expected.equals(requests.peekFirst())) {
        throw new IllegalStateException(
            "%s is not the request to answer next, %s is"
                .formatted(expected, requests.peekFirst()));
      }
      requests.removeFirst();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void end(IOException reason) {
    lock.lock();
    try {
      ended = reason;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The same failure, with the stack of who asks now. */
  private static IOException again(IOException failure) {
    String message = String.valueOf(failure.getMessage());
    IOException again =
        switch (failure) {
          case PageServerProtocolException _ -> new PageServerProtocolException(message);
          case EOFException _ -> new EOFException(message);
          default -> new IOException(message);
        };
    again.initCause(failure);
    return again;
  }
}
