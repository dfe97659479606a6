package io.longshore.acceptance.testbed;

import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What happened when during a migration, and in which state it was last seen. Thread-safe. */
final class Timeline {
  /** The states in the order of a migration's life, as their numbers are not. */
  private static final List<State> ORDER =
      List.of(
          State.STATE_UNSPECIFIED,
          State.STATE_PENDING,
          State.STATE_PREPARING,
          State.STATE_COPYING,
          State.STATE_FREEZING,
          State.STATE_TRANSFERRING,
          State.STATE_RESTORING,
          State.STATE_RESUMING,
          State.STATE_PUSHING,
          State.STATE_RELEASING,
          State.STATE_ROLLING_BACK);

  private final List<String> lines = new ArrayList<>();
  private long begin;
  private Migration last = Migration.getDefaultInstance();

  /** It was created. */
  synchronized void begin(Migration migration) {
    begin = System.nanoTime();
    saw(migration);
  }

  synchronized void saw(Migration migration) {
    if (migration.getState() != last.getState() || migration.getEpoch() != last.getEpoch()) {
      note(
          "%s%s"
              .formatted(
                  migration.getState().name().substring("STATE_".length()),
                  migration.getEpoch() > 1 ? " (epoch %d)".formatted(migration.getEpoch()) : ""));
    }
    last = migration;
    notifyAll();
  }

  synchronized void note(String what) {
    lines.add(String.format(Locale.ROOT, "%7.3f s  %s", (System.nanoTime() - begin) / 1e9, what));
  }

  synchronized String id() {
    return last.getId();
  }

  synchronized State state() {
    return last.getState();
  }

  synchronized boolean isDone() {
    return last.getDone();
  }

  /** Waits until it is in a state or a later one. False if it is done before. */
  synchronized boolean awaitState(State state) throws InterruptedException {
    while (!last.getDone() && isBefore(last.getState(), state)) {
      wait();
    }
    return !last.getDone();
  }

  /** Whether a state is earlier in the life of a migration than another; neither is its end. */
  static boolean isBefore(State state, State other) {
    return ORDER.indexOf(state) < ORDER.indexOf(other);
  }

  @Override
  public synchronized String toString() {
    return String.join("\n", lines);
  }
}
