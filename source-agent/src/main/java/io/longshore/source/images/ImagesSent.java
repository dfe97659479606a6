package io.longshore.source.images;

/**
 * The images of one dump.
 *
 * @param count how many files
 * @param bytes their size
 */
public record ImagesSent(int count, long bytes) {}
