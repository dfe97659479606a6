package io.longshore.coordinator.node;

import java.time.Instant;

/**
 * One agent of a node.
 *
 * @param endpoint where it serves, host:port
 * @param version its version
 * @param lastHeartbeat when it was last heard
 * @param available whether it was heard within the heartbeat timeout by this run of the coordinator
 */
public record Agent(String endpoint, String version, Instant lastHeartbeat, boolean available) {}
