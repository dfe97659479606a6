package io.longshore.source.images;

import io.longshore.source.pages.Rounds.PageSpan;
import java.util.List;

/**
 * The stream of images to the target. Every method throws TransferBrokenException if the stream has
 * failed.
 */
public interface ImageChannel {
  /**
   * Sends a piece of an image.
   *
   * @param offset where it belongs; 0 starts the image anew
   * @param data of which it is {@code length} bytes from {@code start} on; at most 1 MiB
   * @param last whether the image ends with it
   */
  void send(String name, long offset, byte[] data, int start, int length, boolean last)
      throws InterruptedException;

  /**
   * Tells that a piece of an image is what pages hold that were sent in rounds, or zeros.
   *
   * @param offset where it belongs; 0 starts the image anew
   * @param data what they hold: {@code length} bytes from {@code start} on, of which only checksums
   *     are sent
   * @param pages in the order of the image
   * @param last whether the image ends with it
   */
  void sendKept(
      String name,
      long offset,
      byte[] data,
      int start,
      int length,
      List<PageSpan> pages,
      boolean last)
      throws InterruptedException;

  /** Tells which pages that were sent in rounds are not what the frozen workload has. */
  void forget(List<PageSpan> pages) throws InterruptedException;

  /**
   * Tells that all images were sent.
   *
   * @param roundPages pages that the images describe, that were sent in rounds and are not to be
   *     forgotten
   */
  void complete(int count, long bytes, long roundPages) throws InterruptedException;

  /** Waits until the target has stored and understood all images. */
  void awaitComplete() throws InterruptedException;

  /** Sends an IP packet that arrived for the frozen workload. */
  void sendHeldPacket(byte[] packet) throws InterruptedException;
}
