package io.longshore.acceptance.testbed;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where a workload ran, one host after another, by a number in its memory that grows as long as a
 * copy of it runs. Two copies at once are many stretches.
 */
final class Stretches {
  /** One host on which it ran, and the number before the first and after the last step seen. */
  record Stretch(String host, long from, long to) {
    @Override
    public String toString() {
      return "%s(%d..%d)".formatted(host, from, to);
    }
  }

  private final Map<String, Long> last = new HashMap<>();
  private final List<Stretch> stretches = new ArrayList<>();
  private final List<String> wrong = new ArrayList<>();

  /** The number of the copy on a host is this now. */
  void saw(String host, long now) {
    Long before = last.put(host, now);
    if (before == null) {
      long most = stretches.stream().mapToLong(Stretch::to).max().orElse(0);
      if (now < most) {
        wrong.add("the copy on %s begins with %d, after %d".formatted(host, now, most));
      }
    } else if (now < before) {
      wrong.add("the copy on %s went back from %d to %d".formatted(host, before, now));
    } else if (now > before) {
      grew(host, before, now);
    }
  }

  private void grew(String host, long before, long now) {
    if (!stretches.isEmpty() && stretches.getLast().host().equals(host)) {
      stretches.add(new Stretch(host, stretches.removeLast().from(), now));
    } else {
      stretches.add(new Stretch(host, before, now));
    }
  }

  List<Stretch> all() {
    return List.copyOf(stretches);
  }

  List<String> hosts() {
    return stretches.stream().map(Stretch::host).toList();
  }

  /** What no copy should have done. */
  List<String> wrong() {
    return List.copyOf(wrong);
  }
}
