package io.longshore.platform.rpc;

import io.longshore.platform.value.ByteSize;

/**
 * How a connection is set up.
 *
 * @param maxInboundMessage longest message that is accepted
 * @param flowControlWindow bytes that HTTP/2 lets a peer send unread, per stream and per connection
 * @param directCallbacks whether gRPC callbacks run on the network thread: they must only signal
 *     then, never block
 */
public record TransportTuning(
    ByteSize maxInboundMessage, ByteSize flowControlWindow, boolean directCallbacks) {
  /** For calls: small messages, callbacks on virtual threads that may block. */
  public static final TransportTuning CONTROL =
      new TransportTuning(ByteSize.ofMebibytes(4), ByteSize.ofMebibytes(1), false);

  /**
   * For pages and images: messages of 1 MiB and their headers, several on their way, callbacks only
   * signal.
   */
  public static final TransportTuning BULK =
      new TransportTuning(ByteSize.ofMebibytes(2), ByteSize.ofMebibytes(16), true);

  /** Refuses what Netty cannot take. */
  public TransportTuning {
    if (maxInboundMessage.bytes() == 0 || maxInboundMessage.bytes() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("maxInboundMessage out of range: " + maxInboundMessage);
    }
    if (flowControlWindow.bytes() < 65535 || flowControlWindow.bytes() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("flowControlWindow out of range: " + flowControlWindow);
    }
  }

  /** The same with another limit for messages. */
  public TransportTuning withMaxInboundMessage(ByteSize limit) {
    return new TransportTuning(limit, flowControlWindow, directCallbacks);
  }

  /** The same with callbacks on the network thread, or on virtual threads that may block. */
  public TransportTuning withDirectCallbacks(boolean direct) {
    return new TransportTuning(maxInboundMessage, flowControlWindow, direct);
  }
}
