package io.longshore.cli;

import io.longshore.v1.Migration;
import java.io.PrintWriter;

/** Shows progress on standard error. {@link #end} comes once, before anything else is written. */
sealed interface ProgressDisplay {
  void show(Migration migration);

  void end();

  /**
   * The display that fits: a line that is redrawn on a terminal, else a line for each phase; none
   * with --json.
   */
  static ProgressDisplay of(Environment environment, boolean json) {
    if (json) {
      return new Silent();
    }
    return environment.canRedraw()
        ? new Live(environment.err(), environment.width())
        : new Plain(environment.err());
  }

  /** For programs. */
  record Silent() implements ProgressDisplay {
    @Override
    public void show(Migration migration) {}

    @Override
    public void end() {}
  }

  /** One line, redrawn in place; what it waits for stays above it. */
  final class Live implements ProgressDisplay {
    private static final String ERASE = "\r\u001b[K";

    private final PrintWriter err;
    private final int width;
    private final WaitingNews news = new WaitingNews();

    Live(PrintWriter err, int width) {
      this.err = err;
      this.width = width;
    }

    @Override
    public void show(Migration migration) {
      news.of(migration).forEach(line -> err.println(ERASE + line));
      // The last column stays free: a terminal would wrap.
      err.print(ERASE + ProgressLine.of(migration, width - 1));
      err.flush();
    }

    @Override
    public void end() {
      err.print(ERASE);
      err.flush();
    }
  }

  /** A line whenever the phase changes, or something else is waited for. */
  final class Plain implements ProgressDisplay {
    private final PrintWriter err;
    private final WaitingNews news = new WaitingNews();
    private Migration.State last = Migration.State.STATE_UNSPECIFIED;

    Plain(PrintWriter err) {
      this.err = err;
    }

    @Override
    public void show(Migration migration) {
      if (migration.getState() != last) {
        last = migration.getState();
        err.println(Words.of(last));
      }
      news.of(migration).forEach(err::println);
      err.flush();
    }

    @Override
    public void end() {}
  }
}
