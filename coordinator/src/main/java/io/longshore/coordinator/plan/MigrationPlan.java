package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.Obstacle;
import io.longshore.coordinator.agent.WorkloadFacts;
import java.util.List;
import java.util.Optional;

/**
 * What a migration would do and what stands in its way.
 *
 * @param spec the spec, the strategy filled in
 * @param facts what the source found, absent if it could not look at the workload
 * @param obstacles what stands in the way; none: the migration can start
 * @param strategyReason why this strategy
 * @param forecast what is known ahead, if it was asked for
 */
public record MigrationPlan(
    MigrationSpec spec,
    Optional<WorkloadFacts> facts,
    List<Obstacle> obstacles,
    String strategyReason,
    Forecast forecast) {
  public MigrationPlan {
    obstacles = List.copyOf(obstacles);
  }

  /** What the migration is expected to take, if that is known. */
  public Optional<Expectation> expectation() {
    return forecast.prediction(spec.strategy()).map(Prediction::expectation);
  }
}
