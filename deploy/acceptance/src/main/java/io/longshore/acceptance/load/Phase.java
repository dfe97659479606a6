package io.longshore.acceptance.load;

/**
 * What part of a run an answer belongs to. Whoever runs the client says when the next one begins.
 */
enum Phase {
  /**
   * Until the JVM has compiled what it needs. Its answers are checked but its times are not
   * reported.
   */
  WARM_UP,
  BEFORE,
  DURING,
  AFTER
}
