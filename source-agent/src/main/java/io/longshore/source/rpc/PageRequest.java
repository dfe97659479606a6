package io.longshore.source.rpc;

import io.longshore.source.pages.PageBatch;
import io.longshore.transfer.v1.StreamOpen;

/**
 * What goes over a page stream and over the fault stream: {@code SendPagesRequest} and {@code
 * ServeFaultsRequest} look alike on the wire.
 */
sealed interface PageRequest {
  /** The first message. */
  record Open(StreamOpen open) implements PageRequest {}

  /** Pages. */
  record Pages(PageBatch batch) implements PageRequest {}
}
