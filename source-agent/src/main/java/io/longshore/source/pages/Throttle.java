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
        public void lift() {}

        @Override
        public void close() {}
      };

  /** What it uses from now on is what it will have its share of. */
  void begin() throws IOException;

  /**
   * Slows it by one step more.
   *
   * @return false if there is no step left
   * @throws IOException if it cannot be slowed
   */
  boolean slower() throws IOException;

  /** How much it has of the time that it used before. */
  int percent();

  /** Gives all time back at once. */
  void lift() throws IOException;

  /** The same, and leaves nothing of it. Again does nothing. */
  @Override
  void close();
}
