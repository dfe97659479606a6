package io.longshore.coordinator.agent;

import java.time.Duration;

/**
 * What a freeze measured, all by the source's own monotonic clock.
 *
 * @param freezeTime from the start of the freeze until CRIU had written all images
 * @param sinceFreeze from the start of the freeze until the source answered
 * @param imageBytes bytes of images sent
 * @param pages pages that the agents move
 * @param stalePages of them those that the target did not have, or not as they were
 */
public record FreezeReport(
    Duration freezeTime, Duration sinceFreeze, long imageBytes, long pages, long stalePages) {}
