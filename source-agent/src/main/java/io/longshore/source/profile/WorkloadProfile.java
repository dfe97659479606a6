package io.longshore.source.profile;

import java.time.Duration;
import java.util.List;

/**
 * What a workload's memory is like.
 *
 * @param sizes how much there is
 * @param sampledPages pages that were read, drawn among those that the agents would move
 * @param zeroPages of them those that held only zeros
 * @param compressedShare what quick compression makes of those that did not, by their size
 * @param written how many of them changed
 */
public record WorkloadProfile(
    MemorySizes sizes,
    int sampledPages,
    int zeroPages,
    double compressedShare,
    List<Interval> written) {
  public WorkloadProfile {
    written = List.copyOf(written);
  }

  /**
   * How many of the sampled pages changed.
   *
   * @param length in this time, from the first read on
   * @param changedPages so many
   */
  public record Interval(Duration length, int changedPages) {}
}
