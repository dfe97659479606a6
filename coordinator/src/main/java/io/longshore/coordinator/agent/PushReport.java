package io.longshore.coordinator.agent;

/**
 * How far a push is.
 *
 * @param totalPages pages to move in all
 * @param storedPages pages the target has stored
 * @param pagesSent pages sent with content
 * @param zeroPages pages found all zero
 * @param bytesOnWire bytes of gRPC messages on the data streams, both ways
 * @param complete whether nothing is stale any more
 * @param linkCut whether it waits for the link between the agents; not stored
 */
public record PushReport(
    long totalPages,
    long storedPages,
    long pagesSent,
    long zeroPages,
    long bytesOnWire,
    boolean complete,
    boolean linkCut) {}
