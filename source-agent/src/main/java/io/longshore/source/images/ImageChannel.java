package io.longshore.source.images;

/**
 * The stream of images to the target. Every method throws TransferBrokenException if the stream has
 * failed.
 */
public interface ImageChannel {
  /**
   * Sends a piece of an image.
   *
   * @param offset where it belongs; 0 starts the image anew
   * @param data only the first {@code length} bytes; at most 1 MiB
   * @param last whether the image ends with it
   */
  void send(String name, long offset, byte[] data, int length, boolean last)
      throws InterruptedException;

  /** Tells that all images were sent. */
  void complete(int count, long bytes) throws InterruptedException;

  /** Waits until the target has stored and understood all images. */
  void awaitComplete() throws InterruptedException;

  /** Sends an IP packet that arrived for the frozen workload. */
  void sendHeldPacket(byte[] packet) throws InterruptedException;
}
