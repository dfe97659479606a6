package io.longshore.target.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.MethodDescriptor;
import io.longshore.platform.rpc.TransportTuning;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;

/**
 * Reads page messages as protobuf does, but for the pages themselves, which stay where the message
 * was received: in native memory that is used again for another message after {@link #release}.
 *
 * <p>Thread-safe.
 */
final class PageRequestMarshaller implements MethodDescriptor.Marshaller<PageRequest> {
  private static final int MAXIMUM_BYTES = TransportTuning.BULK.maxInboundMessage().toIntExact();

  /** What stays in a processor's cache on its way. */
  private static final ThreadLocal<byte[]> PIECES =
      ThreadLocal.withInitial(() -> new byte[1 << 16]);

  /** As many as are usually read at once: more are left to the garbage collector. */
  private final ArrayBlockingQueue<ByteBuffer> free = new ArrayBlockingQueue<>(4);

  /** The method, its requests read by this marshaller. */
  <R> MethodDescriptor<PageRequest, R> method(MethodDescriptor<?, R> generated) {
    return generated.toBuilder(this, generated.getResponseMarshaller()).build();
  }

  @Override
  public InputStream stream(PageRequest request) {
    throw new UnsupportedOperationException("a target sends no page requests");
  }

  /** Never fails for what a message says: see {@link PageRequest.Malformed}. */
  @Override
  public PageRequest parse(InputStream stream) {
    ByteBuffer memory = free.poll();
    if (memory == null) {
      memory = ByteBuffer.allocateDirect(MAXIMUM_BYTES);
    }
    PageRequest request;
    try {
      if (stream.available() > memory.capacity()) {
        request = new PageRequest.Malformed("a message of " + stream.available() + " bytes");
      } else {
        receive(stream, memory.clear());
        request = new PageRequestParser(memory.flip()).parse();
      }
    } catch (InvalidProtocolBufferException e) {
      request = new PageRequest.Malformed(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new UncheckedIOException("a message that was received cannot be read", e);
    }
    if (!(request instanceof PageRequest.Batch)) {
      free.offer(memory);
    }
    return request;
  }

  /** The batch was dealt with: its payload will be overwritten. */
  void release(PageRequest.Batch batch) {
    free.offer(batch.memory());
  }

  /**
   * Not by {@code HasByteBuffer}: of a message that came in many pieces, as all do that were
   * encrypted, it makes buffers of all that are left each time that it is asked for the next.
   */
  private static void receive(InputStream stream, ByteBuffer into) throws IOException {
    byte[] piece = PIECES.get();
    for (int length = stream.read(piece); length >= 0; length = stream.read(piece)) {
      into.put(piece, 0, length);
    }
  }
}
