package io.longshore.coordinator.agent;

/**
 * Something that makes a migration impossible.
 *
 * @param reason a stable word, one of docs/errors.md
 * @param message what was found and where
 * @param remedy what to do about it
 */
public record Obstacle(String reason, String message, String remedy) {}
