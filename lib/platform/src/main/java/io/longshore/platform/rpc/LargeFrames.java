package io.longshore.platform.rpc;

import io.grpc.netty.shaded.io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.shaded.io.grpc.netty.InternalProtocolNegotiator.ProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandler;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.handler.codec.ByteToMessageDecoder;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2ConnectionEncoder;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Settings;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Stream;
import io.grpc.netty.shaded.io.netty.util.AsciiString;

/**
 * Lets the peers of a server send longer HTTP/2 frames than the 16 KiB that gRPC leaves at HTTP/2's
 * default, and receives them without copying what has come of one when more of it comes.
 *
 * <p>Each frame costs a write, a promise, a header and a walk through the pipeline, on both sides:
 * more than its 16 KiB of pages. gRPC has no setting for it, so the limit is announced in a second
 * SETTINGS frame (RFC 9113, 6.5.2: SETTINGS_MAX_FRAME_SIZE) with the first stream of a connection.
 * Whoever ignores it sends short frames as before.
 */
final class LargeFrames implements ProtocolNegotiator {
  private final ProtocolNegotiator negotiator;
  private final int maximumBytes;

  /**
   * @param negotiator what a connection begins with, TLS or nothing
   * @param maximumBytes of a frame: 16384 to 16777215
   */
  LargeFrames(ProtocolNegotiator negotiator, int maximumBytes) {
    this.negotiator = negotiator;
    this.maximumBytes = maximumBytes;
  }

  @Override
  public AsciiString scheme() {
    return negotiator.scheme();
  }

  @Override
  public ChannelHandler newHandler(GrpcHttp2ConnectionHandler connection) {
    connection.setCumulator(ByteToMessageDecoder.COMPOSITE_CUMULATOR);
    connection.connection().addListener(new Announcement(connection.encoder()));
    return negotiator.newHandler(connection);
  }

  @Override
  public void close() {
    negotiator.close();
  }

  private final class Announcement extends Http2ConnectionAdapter {
    private final Http2ConnectionEncoder encoder;
    private boolean made;

    Announcement(Http2ConnectionEncoder encoder) {
      this.encoder = encoder;
    }

    @Override
    public void onStreamAdded(Http2Stream stream) {
      if (made) {
        return;
      }
      made = true;
      ChannelHandlerContext connection = encoder.flowController().channelHandlerContext();
      var _ =
          encoder.writeSettings(
              connection, new Http2Settings().maxFrameSize(maximumBytes), connection.newPromise());
      connection.flush();
    }
  }
}
