package io.longshore.source.pages;

import java.io.IOException;

/** Slows a workload that writes faster than it is sent, step by step. */
public interface Throttle extends AutoCloseable {
  /** Slows nothing. */
  Throttle NONE =
      new Throttle() {
        @Override
        public void begin() {}

        @Override
        public boolean slower() {
          return false;
        }

        @Override
        public int percent() {
          return 100;
        }

        @Override
        public void want(boolean wanted) {}

        @Override
        public void ended(boolean converged) {}

        @Override
        public void lift() {}

        @Override
        public void close() {}
      };

  /** What it uses from now on is what it will have its share of. */
  void begin() throws IOException;

  /**
   * Slows it by one step more; waits as long as nobody wants that.
   *
   * @return false if there is no step left, or it is closed
   * @throws IOException if it cannot be slowed
   */
  boolean slower() throws IOException, InterruptedException;

  /**
   * Whether somebody follows the rounds, and they can get on. If not, it has all its time
   * meanwhile; at first nobody does.
   */
  void want(boolean wanted) throws IOException;

  /**
   * The rounds are over: gives all time back, at once or, if they have converged and a freeze is
   * about to come, when it is late.
   */
  void ended(boolean converged) throws IOException;

  /** How much it has of the time that it used before. */
  int percent();

  /** Gives all time back at once. */
  void lift() throws IOException;

  /** The same, and leaves nothing of it. Again does nothing. */
  @Override
  void close();
}
