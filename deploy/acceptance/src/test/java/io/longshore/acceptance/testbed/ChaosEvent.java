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

  /**
   * There is no memory any more for a service that asks for some: the kernel kills it. It is
   * started again after it was down for so long, when there is memory again.
   */
  record OutOfMemory(Moment at, Victim victim, Duration down) implements ChaosEvent {
    @Override
    public String toString() {
      return "%s no memory for %s, down for %dms".formatted(at, victim, down.toMillis());
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

  /** An end of the link that is for good: until the migration is over. */
  sealed interface CutForGood extends ChaosEvent {}

  /** The two nodes do not hear each other any more; the coordinator hears both. */
  record CutApart(Moment at) implements CutForGood {
    @Override
    public String toString() {
      return at + " cut apart for good";
    }
  }

  /** Nobody hears a node any more, and it hears nobody. */
  record CutOff(Moment at, Side side) implements CutForGood {
    @Override
    public String toString() {
      return "%s cut off %s for good".formatted(at, side);
    }
  }

  /** Where a service writes down what it holds there is no room for so long. */
  record FillDisk(Moment at, Victim whose, Duration length) implements ChaosEvent {
    @Override
    public String toString() {
      return "%s disk of %s full for %dms".formatted(at, whose, length.toMillis());
    }
  }

  /** The time of day of a service is set back by so much, until the migration is over. */
  record SetClockBack(Moment at, Victim whose, Duration by) implements ChaosEvent {
    @Override
    public String toString() {
      return "%s clock of %s back by %dmin".formatted(at, whose, by.toMinutes());
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
