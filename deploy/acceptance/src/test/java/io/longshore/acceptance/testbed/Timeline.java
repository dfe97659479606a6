package io.longshore.acceptance.testbed;

import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What happened when during a migration, and in which state it was last seen. Thread-safe. */
final class Timeline {
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
    while (last.getState().getNumber() < state.getNumber() && !last.getDone()) {
      wait();
    }
    return !last.getDone();
  }

  @Override
  public synchronized String toString() {
    return String.join("\n", lines);
  }
}
