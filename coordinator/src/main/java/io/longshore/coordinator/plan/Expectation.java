package io.longshore.coordinator.plan;

/**
 * What a migration is expected to take.
 *
 * @param downtime how long the workload stands still
 * @param totalTime until it is over
 * @param bytesOnWire bytes from agent to agent
 */
public record Expectation(
    DurationEstimate downtime, DurationEstimate totalTime, long bytesOnWire) {}
