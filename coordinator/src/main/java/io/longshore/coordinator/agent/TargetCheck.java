package io.longshore.coordinator.agent;

import java.util.List;

/**
 * What a target said about a workload that it could take.
 *
 * @param obstacles what stands in the way on that side
 * @param transferEndpoint where it receives, host:port
 */
public record TargetCheck(List<Obstacle> obstacles, String transferEndpoint) {
  public TargetCheck {
    obstacles = List.copyOf(obstacles);
  }
}
