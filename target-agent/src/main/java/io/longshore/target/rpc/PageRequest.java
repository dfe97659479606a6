package io.longshore.target.rpc;

import io.longshore.transfer.v1.StreamOpen;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What comes over a page stream and over the fault stream: {@code SendPagesRequest} and {@code
 * ServeFaultsRequest} look alike on the wire.
 */
sealed interface PageRequest {
  /** The first message. */
  record Open(StreamOpen open) implements PageRequest {}

  /**
   * Pages. Nothing is checked yet but that the payload lies within the message.
   *
   * @param payload valid until the batch is given to {@link PageRequestMarshaller#release}
   * @param round whether the workload still runs on the source
   */
  record Batch(List<Run> runs, int crc32c, ByteBuffer payload, boolean round, ByteBuffer memory)
      implements PageRequest {}

  /** Not what the protocol allows. */
  record Malformed(String why) implements PageRequest {}

  /**
   * Adjacent pages.
   *
   * @param encoding number of a {@code PageEncoding}, perhaps of none
   */
  record Run(int vpid, long firstPage, int count, int encoding) {}
}
