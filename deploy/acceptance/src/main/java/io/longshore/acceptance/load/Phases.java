package io.longshore.acceptance.load;

import java.util.EnumMap;
import java.util.Map;

/** When each phase of a run began. Thread-safe. */
final class Phases {
  private final long origin;
  private final Map<Phase, Long> begins = new EnumMap<>(Phase.class);
  private volatile Phase now = Phase.WARM_UP;

  /**
   * @param origin when the client began, of the clock of all other times
   */
  Phases(long origin) {
    this.origin = origin;
  }

  long origin() {
    return origin;
  }

  Phase now() {
    return now;
  }

  synchronized void begin(Phase phase, long when) {
    begins.put(phase, when - origin);
    now = phase;
  }

  /** Since the origin; the end of the run if it never began. */
  synchronized long beginOf(Phase phase, long end) {
    Long begin = begins.get(phase);
    return begin == null ? end - origin : begin;
  }

  /** The one that a moment belongs to. */
  synchronized Phase at(long when) {
    Phase found = Phase.WARM_UP;
    for (Map.Entry<Phase, Long> phase : begins.entrySet()) {
      if (phase.getValue() <= when - origin) {
        found = phase.getKey();
      }
    }
    return found;
  }
}
