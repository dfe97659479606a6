package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.platform.error.Reason;
import java.util.List;

/**
 * Why a migration failed.
 *
 * @param reason a stable word, one of docs/errors.md
 * @param message what was tried, what was found, what to do
 * @param criuLog CRIU's own telling log lines, where CRIU failed
 */
public record Failure(String reason, String message, List<String> criuLog) {
  public Failure {
    criuLog = List.copyOf(criuLog);
  }

  static Failure of(Reason reason, String message) {
    return new Failure(reason.name(), message, List.of());
  }

  static Failure of(String what, AgentException e) {
    return new Failure(e.reason(), what + ": " + e.message(), e.criuLog());
  }

  boolean isLoss() {
    return reason.equals(Reason.WORKLOAD_LOST.name());
  }
}
