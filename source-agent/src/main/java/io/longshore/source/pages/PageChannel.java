package io.longshore.source.pages;

/** A stream of pages to the target. */
public interface PageChannel {
  /**
   * Sends a batch. Waits while the network or the target is not ready for more.
   *
   * @throws TransferBrokenException if the stream has failed
   */
  void send(PageBatch batch) throws InterruptedException;

  /** Whether a batch of so many pages can be sent without waiting, if nobody else sends. */
  boolean isReadyFor(int pages);

  /**
   * Waits until the target has stored all that was sent.
   *
   * @throws TransferBrokenException if the stream has failed
   */
  void awaitStored() throws InterruptedException;

  /** Pages sent on this stream that the target has stored. */
  long storedPages();
}
