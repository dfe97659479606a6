package io.longshore.platform.rpc;

import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollChannelOption;
import io.longshore.platform.value.ByteSize;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a connection is set up.
 *
 * @param maxInboundMessage longest message that is accepted
 * @param flowControlWindow bytes that HTTP/2 lets a peer send unread, per stream and per connection
 * @param maxFrame longest HTTP/2 frame that is accepted, and about as much as the socket is given
 *     to write and asked to read at once
 * @param directCallbacks whether gRPC callbacks run on the network thread: they must only signal
 *     then, never block
 * @param silence how long a peer's kernel may be silent until the connection counts as cut, in
 *     either direction; null: as long as gRPC lets it
 */
public record TransportTuning(
    ByteSize maxInboundMessage,
    ByteSize flowControlWindow,
    ByteSize maxFrame,
    boolean directCallbacks,
    @Nullable Duration silence) {
  /** What HTTP/2 and gRPC have if nobody says otherwise. */
  static final int DEFAULT_FRAME_BYTES = 16 << 10;

  /** Several probes of a second fit in. */
  private static final Duration SHORTEST_SILENCE = Duration.ofSeconds(2);

  /** For calls: small messages, callbacks on virtual threads that may block. */
  public static final TransportTuning CONTROL =
      new TransportTuning(
          ByteSize.ofMebibytes(4),
          ByteSize.ofMebibytes(1),
          ByteSize.ofBytes(DEFAULT_FRAME_BYTES),
          false,
          null);

  /**
   * For pages and images: messages of 1 MiB and their headers, several on their way, in few frames,
   * callbacks only signal.
   */
  public static final TransportTuning BULK =
      new TransportTuning(
          ByteSize.ofMebibytes(2), ByteSize.ofMebibytes(16), ByteSize.ofMebibytes(1), true, null);

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
    if (silence != null && silence.compareTo(SHORTEST_SILENCE) < 0) {
      throw new IllegalArgumentException("silence out of range: " + silence);
    }
  }

  /** The same with another limit for messages. */
  public TransportTuning withMaxInboundMessage(ByteSize limit) {
    return new TransportTuning(limit, flowControlWindow, maxFrame, directCallbacks, silence);
  }

  /** The same with callbacks on the network thread, or on virtual threads that may block. */
  public TransportTuning withDirectCallbacks(boolean direct) {
    return new TransportTuning(maxInboundMessage, flowControlWindow, maxFrame, direct, silence);
  }

  /** The same, but a connection whose peer is silent for so long counts as cut. */
  public TransportTuning withSilence(Duration limit) {
    return new TransportTuning(
        maxInboundMessage, flowControlWindow, maxFrame, directCallbacks, limit);
  }

  /**
   * Has the kernel find out that a connection is cut (tcp(7)): by what the peer does not
   * acknowledge, or by the probes that it sends each second when there is nothing to acknowledge.
   * gRPC's own keep-alive cannot be as quick, and would take a busy agent for a cut link: a kernel
   * answers always.
   */
  Map<ChannelOption<Integer>, Integer> silenceOptions() {
    return silence == null
        ? Map.of()
        : Map.of(
            EpollChannelOption.TCP_USER_TIMEOUT,
            Math.toIntExact(silence.toMillis()),
            EpollChannelOption.TCP_KEEPIDLE,
            1,
            EpollChannelOption.TCP_KEEPINTVL,
            1);
  }

  /** Whether frames may be longer than gRPC's. */
  boolean hasLargeFrames() {
    return maxFrame.bytes() > DEFAULT_FRAME_BYTES;
  }
}
