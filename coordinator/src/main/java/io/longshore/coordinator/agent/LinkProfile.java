package io.longshore.coordinator.agent;

import java.time.Duration;

/**
 * What the way from a source to a target is like.
 *
 * @param roundTrip median time of a small call
 * @param bytesPerSecond what all page streams together took
 */
public record LinkProfile(Duration roundTrip, long bytesPerSecond) {}
