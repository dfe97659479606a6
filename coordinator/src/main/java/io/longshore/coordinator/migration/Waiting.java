package io.longshore.coordinator.migration;

import java.time.Instant;

/**
 * What an agent is asked for again, because it failed.
 *
 * @param effect what is asked for
 * @param reason why it failed, a stable word, one of docs/errors.md
 * @param message what was tried, what was found, what to do
 * @param since when it failed for the first time since it last got on
 */
public record Waiting(Effect effect, String reason, String message, Instant since) {
  /** What is asked for, for people. */
  public String what() {
    return effect.description();
  }
}
