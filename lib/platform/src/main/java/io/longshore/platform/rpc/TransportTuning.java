package io.longshore.platform.rpc;

import io.longshore.platform.value.ByteSize;

/**
 * How a connection is set up.
 *
 * @param maxInboundMessage longest message that is accepted
 * @param flowControlWindow bytes that HTTP/2 lets a peer send unread, per stream and per connection
 * @param maxFrame longest HTTP/2 frame that is accepted, and about as much as the socket is given
 *     to write and asked to read at once
 * @param directCallbacks whether gRPC callbacks run on the network thread: they must only signal
 *     then, never block
 */
public record TransportTuning(
    ByteSize maxInboundMessage,
    ByteSize flowControlWindow,
    ByteSize maxFrame,
    boolean directCallbacks) {
  /** What HTTP/2 and gRPC have if nobody says otherwise. */
  static final int DEFAULT_FRAME_BYTES = 16 << 10;

  /** For calls: small messages, callbacks on virtual threads that may block. */
  public static final TransportTuning CONTROL =
      new TransportTuning(
          ByteSize.ofMebibytes(4),
          ByteSize.ofMebibytes(1),
          ByteSize.ofBytes(DEFAULT_FRAME_BYTES),
          false);

  /**
   * For pages and images: messages of 1 MiB and their headers, several on their way, in few frames,
   * callbacks only signal.
   */
  public static final TransportTuning BULK =
      new TransportTuning(
          ByteSize.ofMebibytes(2), ByteSize.ofMebibytes(16), ByteSize.ofMebibytes(1), true);

  /** Refuses what Netty cannot take. */
  public TransportTuning {
    if (maxInboundMessage.bytes() == 0 || maxInboundMessage.bytes() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("maxInboundMessage out of range: " + maxInboundMessage);
    }
    if (flowControlWindow.bytes() < 65535 || flowControlWindow.bytes() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("flowControlWindow out of range: " + flowControlWindow);
    }
    if (maxFrame.bytes() < DEFAULT_FRAME_BYTES || maxFrame.bytes() > 0xffffff) {
      throw new IllegalArgumentException("maxFrame out of range: " + maxFrame);
    }
  }

  /** The same with another limit for messages. */
  public TransportTuning withMaxInboundMessage(ByteSize limit) {
    return new TransportTuning(limit, flowControlWindow, maxFrame, directCallbacks);
  }

  /** The same with callbacks on the network thread, or on virtual threads that may block. */
  public TransportTuning withDirectCallbacks(boolean direct) {
    return new TransportTuning(maxInboundMessage, flowControlWindow, maxFrame, direct);
  }

  /** Whether frames may be longer than gRPC's. */
  boolean hasLargeFrames() {
    return maxFrame.bytes() > DEFAULT_FRAME_BYTES;
  }
}
