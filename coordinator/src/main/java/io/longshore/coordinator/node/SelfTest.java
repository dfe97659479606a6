package io.longshore.coordinator.node;

import java.time.Duration;
import java.time.Instant;

/** What is known of a node's self-test: migrations of a small process from the node to itself. */
public sealed interface SelfTest {
  /**
   * The last migration of a test.
   *
   * @param number of the migrations made, this one included
   * @param migrationId empty if it was not created
   * @param duration from its creation until it was done, zero if it did not come so far
   * @param downtime how long the process stood still, zero if it did not come so far
   */
  record Run(int number, String migrationId, Duration duration, Duration downtime) {
    /** One that has not begun. */
    public static Run begun(int number) {
      return new Run(number, "", Duration.ZERO, Duration.ZERO);
    }
  }

  /** None was made, and none is to be. */
  record None() implements SelfTest {}

  /** To be made when both agents are heard. */
  record Due() implements SelfTest {}

  /** It runs, or waits for its turn. */
  record Running() implements SelfTest {}

  /**
   * Every migration succeeded and the process found its memory right.
   *
   * @param time when it was over
   */
  record Passed(Run run, Instant time) implements SelfTest {}

  /**
   * It did not.
   *
   * @param time when it was over
   * @param reason a word of docs/errors.md
   * @param message what was tried, what was found
   */
  record Failed(Run run, Instant time, String reason, String message) implements SelfTest {}
}
