package io.longshore.coordinator.agent;

/**
 * Names a migration to an agent.
 *
 * @param id the migration's id
 * @param epoch the coordinator's epoch: an agent refuses one that is older than the newest it has
 *     seen
 */
public record MigrationRef(String id, long epoch) {}
