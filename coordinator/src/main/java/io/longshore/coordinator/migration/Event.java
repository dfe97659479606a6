package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.DemandFaults;
import io.longshore.coordinator.agent.FreezeReport;
import io.longshore.coordinator.agent.PushReport;
import io.longshore.coordinator.agent.RoundReport;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What happens to a migration: an effect's answer, or what a caller asks for. */
sealed interface Event {
  /** The row of the state machine's table. */
  Kind kind();

  /** Why, if it is a failure. */
  default Optional<Failure> why() {
    return Optional.empty();
  }

  /** What can happen. */
  enum Kind {
    START,
    PREPARED,
    COPIED,
    OUTPACED,
    FROZEN,
    PROGRESS,
    PUSHED,
    HELD,
    RESUMED,
    RELEASED,
    COMPLETED,
    FAIL,
    LOSE,
    CANCEL,
    ABANDON_TARGET,
    ABANDON_SOURCE,
    ABORTED,
    ROLLED_BACK
  }

  /** The coordinator takes the migration up. */
  record Start() implements Event {
    @Override
    public Kind kind() {
      return Kind.START;
    }
  }

  /** Both agents are ready. */
  record Prepared() implements Event {
    @Override
    public Kind kind() {
      return Kind.PREPARED;
    }
  }

  /**
   * Rounds are on their way.
   *
   * @param report how far they are
   * @param bytesPerSecond how fast, since the report before
   */
  record RoundProgress(RoundReport report, long bytesPerSecond) implements Event {
    @Override
    public Kind kind() {
      return Kind.PROGRESS;
    }
  }

  /** There are no more rounds: what is stale fits the downtime budget. */
  record Copied(RoundReport report) implements Event {
    @Override
    public Kind kind() {
      return Kind.COPIED;
    }
  }

  /**
   * There are no more rounds, though they did not converge: the workload writes faster than it is
   * sent.
   */
  record Outpaced(RoundReport report) implements Event {
    @Override
    public Kind kind() {
      return Kind.OUTPACED;
    }

    /** Why the migration fails, where the policy does not let it go on. */
    Failure failure() {
      return Failure.of(
          Reason.NO_CONVERGENCE,
          "the rounds did not converge: after round %d (%s) %d of %d pages were stale; the policy says to abort"
              .formatted(report.round(), report.end(), report.stalePages(), report.totalPages()));
    }
  }

  /**
   * Frozen, and the target has all images.
   *
   * @param report what the source measured
   * @param frozenAt when the freeze began, by the coordinator's clock
   */
  record Frozen(FreezeReport report, Instant frozenAt) implements Event {
    @Override
    public Kind kind() {
      return Kind.FROZEN;
    }
  }

  /**
   * Pages are on their way.
   *
   * @param report how far they are
   * @param bytesPerSecond how fast, since the report before
   */
  record Progress(PushReport report, long bytesPerSecond) implements Event {
    @Override
    public Kind kind() {
      return Kind.PROGRESS;
    }
  }

  /** Nothing is stale on the target. */
  record Pushed(PushReport report) implements Event {
    @Override
    public Kind kind() {
      return Kind.PUSHED;
    }
  }

  /** Restored and held. */
  record Held(Duration restoreTime) implements Event {
    @Override
    public Kind kind() {
      return Kind.HELD;
    }
  }

  /**
   * Runs on the target.
   *
   * @param at when the answer came, by the clock of {@link Frozen#frozenAt}
   */
  record Resumed(Instant at) implements Event {
    @Override
    public Kind kind() {
      return Kind.RESUMED;
    }
  }

  /** The frozen copy is gone. */
  record Released() implements Event {
    @Override
    public Kind kind() {
      return Kind.RELEASED;
    }
  }

  /** Every page is installed. */
  record Completed(DemandFaults demandFaults) implements Event {
    @Override
    public Kind kind() {
      return Kind.COMPLETED;
    }
  }

  /** An effect failed where the migration can still be rolled back. */
  record Fail(Failure failure) implements Event {
    @Override
    public Kind kind() {
      return Kind.FAIL;
    }

    @Override
    public Optional<Failure> why() {
      return Optional.of(failure);
    }
  }

  /** The agent that owns the workload said for certain that it is gone. */
  record Lose(Failure failure) implements Event {
    @Override
    public Kind kind() {
      return Kind.LOSE;
    }

    @Override
    public Optional<Failure> why() {
      return Optional.of(failure);
    }
  }

  /** A caller asks for a rollback. */
  record Cancel() implements Event {
    @Override
    public Kind kind() {
      return Kind.CANCEL;
    }
  }

  /** An operator decides. */
  record Resolve(Resolution resolution) implements Event {
    @Override
    public Kind kind() {
      return switch (resolution) {
        case ABANDON_TARGET -> Kind.ABANDON_TARGET;
        case ABANDON_SOURCE -> Kind.ABANDON_SOURCE;
      };
    }

    @Override
    public Optional<Failure> why() {
      return switch (resolution) {
        case ABANDON_TARGET ->
            Optional.of(
                Failure.of(
                    Reason.TARGET_ABANDONED,
                    "an operator abandoned the target: the workload runs on on the source, from where it was frozen"));
        case ABANDON_SOURCE -> Optional.empty();
      };
    }
  }

  /** The target will never run it. */
  record Aborted() implements Event {
    @Override
    public Kind kind() {
      return Kind.ABORTED;
    }
  }

  /** It runs on the source. */
  record RolledBack() implements Event {
    @Override
    public Kind kind() {
      return Kind.ROLLED_BACK;
    }
  }
}
