package io.longshore.coordinator.agent;

import java.time.Duration;
import java.util.List;

/**
 * What a source saw when it watched a workload for a moment.
 *
 * @param sizes how much memory there is
 * @param sampledPages pages that were watched, drawn among those that are moved page by page
 * @param zeroPages of them those that held only zeros
 * @param compressedShare what quick compression makes of the others, by their size
 * @param written how many of them changed, in growing times
 * @param tracker how the source would know what is written in rounds
 */
public record WorkloadProfile(
    MemorySizes sizes,
    int sampledPages,
    int zeroPages,
    double compressedShare,
    List<Interval> written,
    String tracker) {
  public WorkloadProfile {
    written = List.copyOf(written);
  }

  /**
   * How many of the sampled pages changed.
   *
   * @param length in this time
   * @param changedPages so many
   */
  public record Interval(Duration length, int changedPages) {}

  /** The share of pages of zeros, 0 to 1. */
  public double zeroShare() {
    return sampledPages == 0 ? 0 : Math.min(1, (double) zeroPages / sampledPages);
  }
}
