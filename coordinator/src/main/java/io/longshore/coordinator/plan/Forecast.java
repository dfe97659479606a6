package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.LinkProfile;
import io.longshore.coordinator.agent.WorkloadProfile;
import java.util.List;
import java.util.Optional;

/**
 * What is known ahead of a migration.
 *
 * @param profile what the workload's memory is like, if it could be watched
 * @param link what the way is like, if it could be measured
 * @param predictions what each strategy would take; none if one of these is not known
 * @param pastMigrations so many earlier ones between these nodes went into them
 * @param notes why something is not known, for people
 */
public record Forecast(
    Optional<WorkloadProfile> profile,
    Optional<LinkProfile> link,
    List<Prediction> predictions,
    int pastMigrations,
    List<String> notes) {
  /** Nothing was asked. */
  static final Forecast NONE =
      new Forecast(Optional.empty(), Optional.empty(), List.of(), 0, List.of());

  public Forecast {
    predictions = List.copyOf(predictions);
    notes = List.copyOf(notes);
  }

  /** What a strategy would take, if that is known. */
  public Optional<Prediction> prediction(Strategy strategy) {
    return predictions.stream().filter(each -> each.strategy() == strategy).findFirst();
  }

  /** How fast a workload writes, and how much of it: if it was watched. */
  public Optional<DirtyCurve> curve() {
    return profile.map(seen -> DirtyCurve.of(seen, 0));
  }
}
