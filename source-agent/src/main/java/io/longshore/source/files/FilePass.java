package io.longshore.source.files;

import java.time.Duration;

/**
 * What one pass over a tree did.
 *
 * @param duration from its begin until the target has all of it
 * @param sentBytes over the wire to the target, and back
 * @param transferredFiles regular files of which content was sent
 * @param comparedFiles regular files that were compared by content, for they were written since the
 *     pass before
 */
public record FilePass(
    Duration duration, long sentBytes, long transferredFiles, long comparedFiles) {}
