package io.longshore.platform.lifecycle;

/**
 * Something that is started once and stopped once. Stopping may come without a start, or after a
 * failed one.
 */
public interface Component {
  /** Returns when it does its work. */
  void start() throws Exception;

  /** Returns when it no longer does, within bounded time. */
  void stop() throws Exception;
}
