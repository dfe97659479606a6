package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.LinkProfile;
import io.longshore.coordinator.agent.WorkloadProfile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Has the way measured and the workload watched, and predicts from that. Blocks for about 1.5 s; an
 * agent that cannot do it is no error. Safe for use by several threads.
 */
final class Forecaster {
  private static final Duration WATCHED = Duration.ofSeconds(1);

  private final Agents agents;
  private final History history;

  Forecaster(Agents agents, History history) {
    this.agents = agents;
    this.history = history;
  }

  /**
   * @param transferEndpoint where the target receives
   */
  Forecast forecast(MigrationSpec spec, String transferEndpoint) throws InterruptedException {
    List<String> notes = new ArrayList<>();
    Optional<LinkProfile> link = link(spec, transferEndpoint, notes);
    // Not at once: to measure the way takes time from the workload.
    Optional<WorkloadProfile> profile = profile(spec, notes);
    if (link.isEmpty() || profile.isEmpty()) {
      return new Forecast(profile, link, List.of(), 0, notes);
    }
    SwitchoverTimes times =
        SwitchoverTimes.of(
            history.between(spec.sourceNode(), spec.targetNode()), link.get().bytesPerSecond());
    Predictor predictor = new Predictor(profile.get(), link.get(), times);
    List<Prediction> predictions =
        Predictor.STRATEGIES.stream()
            .map(strategy -> predictor.predict(strategy, spec.policy()))
            .toList();
    return new Forecast(profile, link, predictions, times.measured(), notes);
  }

  private Optional<LinkProfile> link(
      MigrationSpec spec, String transferEndpoint, List<String> notes) throws InterruptedException {
    if (transferEndpoint.isEmpty()) {
      notes.add("the way could not be measured: the target does not say where it receives");
      return Optional.empty();
    }
    try {
      LinkProfile link = agents.source(spec.sourceNode()).probe(transferEndpoint);
      if (link.bytesPerSecond() > 0) {
        return Optional.of(link);
      }
      notes.add("the way could not be measured: nothing came through in the time for it");
    } catch (AgentException e) {
      notes.add("the way could not be measured: " + e.reason() + ": " + e.message());
    }
    return Optional.empty();
  }

  private Optional<WorkloadProfile> profile(MigrationSpec spec, List<String> notes)
      throws InterruptedException {
    try {
      return Optional.of(agents.source(spec.sourceNode()).profile(spec.workload(), WATCHED));
    } catch (AgentException e) {
      notes.add("the workload could not be watched: " + e.reason() + ": " + e.message());
      return Optional.empty();
    }
  }
}
