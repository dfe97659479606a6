package io.longshore.source.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.source.pages.PageBatch;
import io.longshore.source.pages.PageChannel;
import io.longshore.source.pages.PageRange;
import io.longshore.source.pages.TransferBrokenException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A stream of pages that is opened again when it is cut: it remembers which pages the target has
 * not acknowledged, and tells of them when they are lost.
 */
final class PageStream<R> implements PageChannel, LastingStream.User<PageRequest, R> {
  private static final int PAGE_BYTES = 4096;
  private static final PageBatch NO_PAGES =
      new PageBatch(List.of(), ByteBuffer.allocate(0), 0, 0, 0, false);

  private final LastingStream<PageRequest, R> stream;
  private final BiConsumer<OutboundStream<PageRequest, R>, R> responses;
  private final ReentrantLock sending = new ReentrantLock();
  private volatile Consumer<List<PageRange>> whenLost = pages -> {};

  /** What {@link #onTheirWay} and the two after it are about; null while the stream is cut. */
  @GuardedBy("this")
  private @Nullable OutboundStream<PageRequest, R> used;

  @GuardedBy("this")
  private final Deque<Sent> onTheirWay = new ArrayDeque<>();

  @GuardedBy("this")
  private long sentBytes;

  @GuardedBy("this")
  private long acknowledgedBytes;

  /** Acknowledged on the streams before. */
  @GuardedBy("this")
  private long acknowledgedBefore;

  /**
   * A batch that was sent.
   *
   * @param endBytes what was sent on the stream, with it
   */
  private record Sent(long endBytes, List<PageRange> pages) {}

  /**
   * Begins to open it.
   *
   * @param responses on the network's thread; must not block
   */
  PageStream(
      LastingStream.Way<PageRequest, R> way,
      BiConsumer<OutboundStream<PageRequest, R>, R> responses) {
    this.responses = responses;
    this.stream = new LastingStream<>(way, this);
  }

  @Override
  public void send(PageBatch batch) throws InterruptedException {
    sending.lockInterruptibly();
    try {
      OutboundStream<PageRequest, R> to;
      do {
        to = stream.awaitOpen();
      } while (!note(to, batch));
      to.send(new PageRequest.Pages(batch), (long) batch.pages() * PAGE_BYTES);
    } catch (TransferBrokenException e) {
      // If it is only cut: what was noted is given back.
      stream.throwIfEnded();
    } finally {
      sending.unlock();
    }
  }

  @Override
  public boolean isReadyFor(int pages) {
    OutboundStream<PageRequest, R> now;
    synchronized (this) {
      now = used;
    }
    return now != null && now.isReadyFor((long) pages * PAGE_BYTES);
  }

  @Override
  public void awaitStored() throws InterruptedException {
    OutboundStream<PageRequest, R> on = stream.awaitOpen();
    try {
      // The target would tell only when it has stored more.
      on.send(new PageRequest.Pages(NO_PAGES), 0);
      on.awaitStored();
    } catch (TransferBrokenException e) {
      // Until then the target may still store what it has of it.
      stream.awaitReplaced(on);
    }
  }

  @Override
  public void onLost(Consumer<List<PageRange>> listener) {
    whenLost = listener;
  }

  @Override
  public synchronized long storedPages() {
    return (acknowledgedBefore + (used == null ? 0 : used.storedBytes())) / PAGE_BYTES;
  }

  void awaitAccepted() throws InterruptedException {
    stream.awaitAccepted();
  }

  Duration brokenFor() {
    return stream.brokenFor();
  }

  void finish() {
    stream.finish();
  }

  void cancel(String why) {
    stream.cancel(why);
  }

  void close() {
    stream.close();
  }

  @Override
  public void received(OutboundStream<PageRequest, R> from, R response) {
    responses.accept(from, response);
  }

  @Override
  public synchronized void changedTo(OutboundStream<PageRequest, R> newStream) {
    used = newStream;
    sentBytes = 0;
    acknowledgedBytes = 0;
  }

  @Override
  public void lost(OutboundStream<PageRequest, R> oldStream) {
    List<PageRange> pages = new ArrayList<>();
    synchronized (this) {
      if (!oldStream.equals(used)) {
        return;
      }
      forgetAcknowledged(oldStream);
      acknowledgedBefore += acknowledgedBytes;
      onTheirWay.forEach(batch -> pages.addAll(batch.pages()));
      onTheirWay.clear();
      used = null;
    }
    whenLost.accept(pages);
  }

  /** Before it is sent: false if the stream is not the one to send it on any more. */
  private synchronized boolean note(OutboundStream<PageRequest, R> to, PageBatch batch) {
    if (!to.equals(used)) {
      return false;
    }
    forgetAcknowledged(to);
    sentBytes += (long) batch.pages() * PAGE_BYTES;
    onTheirWay.add(new Sent(sentBytes, batch.runs().stream().map(PageBatch.Run::range).toList()));
    return true;
  }

  @GuardedBy("this")
  private void forgetAcknowledged(OutboundStream<PageRequest, R> from) {
    long stored = from.storedBytes();
    for (Sent first = onTheirWay.peek();
        first != null && first.endBytes() <= stored;
        first = onTheirWay.peek()) {
      acknowledgedBytes = first.endBytes();
      onTheirWay.remove();
    }
  }
}
