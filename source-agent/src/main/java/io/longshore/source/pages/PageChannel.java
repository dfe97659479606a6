package io.longshore.source.pages;

import java.util.List;
import java.util.function.Consumer;

/**
 * A stream of pages to the target. It may be cut and go on later: then what was sent and not
 * acknowledged is lost, which {@link #onLost} tells.
 */
public interface PageChannel {
  /**
   * Sends a batch. Waits while the network or the target is not ready for more, and while it is
   * cut.
   *
   * @throws TransferBrokenException if the stream has failed for good
   */
  void send(PageBatch batch) throws InterruptedException;

  /** Whether a batch of so many pages can be sent without waiting, if nobody else sends. */
  boolean isReadyFor(int pages);

  /**
   * Waits until nothing that was sent can reach the target any more: it has stored it; or it was
   * lost, the listener was told, and the stream is open again, so that nothing comes late.
   *
   * @throws TransferBrokenException if the stream has failed for good
   */
  void awaitStored() throws InterruptedException;

  /**
   * Says who is told which pages were lost, as soon as they are: the target may store them still,
   * until {@link #awaitStored} returns. Must not block, nor use this channel.
   */
  void onLost(Consumer<List<PageRange>> listener);

  /** Pages sent on this stream that the target has stored. */
  long storedPages();
}
