package io.longshore.coordinator.app;

import java.time.Instant;
import java.time.InstantSource;

/**
 * The time of day when it was made, advanced by the monotonic clock: differences are durations that
 * setting the system's clock cannot change.
 */
final class SteadyClock implements InstantSource {
  private final Instant start = Instant.now();
  private final long startNanos = System.nanoTime();

  @Override
  public Instant instant() {
    return start.plusNanos(System.nanoTime() - startNanos);
  }
}
