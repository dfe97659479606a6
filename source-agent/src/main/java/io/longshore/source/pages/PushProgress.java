package io.longshore.source.pages;

/**
 * How far a push is, in pages.
 *
 * @param total to move in all
 * @param stored that the target has
 * @param contentSent sent with content
 * @param zero found all zero and not sent
 */
public record PushProgress(long total, long stored, long contentSent, long zero) {}
