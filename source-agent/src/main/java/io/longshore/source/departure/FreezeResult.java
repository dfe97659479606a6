package io.longshore.source.departure;

import java.time.Duration;

/**
 * What a freeze led to.
 *
 * @param freezeTime from its start until CRIU had written all images
 * @param startNanos when it started, by {@link System#nanoTime}
 * @param imageBytes bytes of images sent, without pages of theirs that had been sent in rounds
 * @param pages pages that the agents move, in rounds or after the freeze
 * @param stalePages of them those that the target did not have, or not as they were
 */
public record FreezeResult(
    Duration freezeTime, long startNanos, long imageBytes, long pages, long stalePages) {}
