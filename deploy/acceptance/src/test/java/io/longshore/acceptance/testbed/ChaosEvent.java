package io.longshore.acceptance.testbed;

import io.longshore.v1.Migration.State;
import java.time.Duration;

/** Something that is done to a migration under way. */
sealed interface ChaosEvent {
  /** When. */
  Moment at();

  /** So long after the migration was first seen in that state or a later one. */
  record Moment(State since, Duration delay) {
    @Override
    public String toString() {
      return "%s+%dms".formatted(since.name().substring("STATE_".length()), delay.toMillis());
    }
  }

  /** SIGKILL. A service is started again after it was down for so long. */
  record Kill(Moment at, Victim victim, Duration down) implements ChaosEvent {
    @Override
    public String toString() {
      return victim.isService()
          ? "%s kill %s for %dms".formatted(at, victim, down.toMillis())
          : "%s kill %s".formatted(at, victim);
    }
  }

  /** It stands still for so long: SIGSTOP, SIGCONT. */
  record Hang(Moment at, Victim victim, Duration length) implements ChaosEvent {
    @Override
    public String toString() {
      return "%s hang %s for %dms".formatted(at, victim, length.toMillis());
    }
  }

  /** Whatever one of the two nodes sends, or all that is sent to it, is dropped for so long. */
  record CutLink(Moment at, Side side, boolean sends, boolean receives, Duration length)
      implements ChaosEvent {
    @Override
    public String toString() {
      return "%s cut %s%s%s for %dms"
          .formatted(
              at, side, sends ? " sending" : "", receives ? " receiving" : "", length.toMillis());
    }
  }

  /** An operator cancels. */
  record Cancel(Moment at) implements ChaosEvent {
    @Override
    public String toString() {
      return at + " cancel";
    }
  }

  /** A node by its part in the migration. */
  enum Side {
    SOURCE,
    TARGET
  }

  /** A process that can be killed or hang. */
  enum Victim {
    COORDINATOR,
    SOURCE_AGENT,
    TARGET_AGENT,
    KEEPER,
    CRIU_DUMP,
    CRIU_RESTORE;

    boolean isService() {
      return this == COORDINATOR || this == SOURCE_AGENT || this == TARGET_AGENT;
    }
  }
}
