package io.longshore.source.images;

/**
 * The images of one dump.
 *
 * @param count how many files
 * @param bytes their size
 * @param sentBytes of them, those that the target did not have
 */
public record ImagesSent(int count, long bytes, long sentBytes) {}
