package io.longshore.criu.pageserver;

/**
 * How much a dump sent.
 *
 * @param images pagemaps
 * @param entries runs of pages
 * @param bytes of page content
 */
public record ReceivedPages(long images, long entries, long bytes) {}
