package io.longshore.source.rpc;

import io.grpc.CallOptions;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts the bytes of gRPC messages in both directions of the streams that carry this tracer.
 * Framing of HTTP/2 and TCP is not included.
 */
final class WireBytes extends ClientStreamTracer.Factory {
  private final LongAdder bytes = new LongAdder();

  /** Bytes so far. */
  long total() {
    return bytes.sum();
  }

  /** Options that make a call count here. */
  CallOptions options() {
    return CallOptions.DEFAULT.withStreamTracerFactory(this);
  }

  @Override
  public ClientStreamTracer newClientStreamTracer(
      ClientStreamTracer.StreamInfo info, Metadata headers) {
    return new ClientStreamTracer() {
      @Override
      public void outboundWireSize(long count) {
        bytes.add(count);
      }

      @Override
      public void inboundWireSize(long count) {
        bytes.add(count);
      }
    };
  }
}
