package io.longshore.source.tracking;

import io.longshore.linux.Mapping;
import io.longshore.linux.Mappings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A range of private anonymous memory of a process, whether or not it can be written now: it may
 * have been, and may be again.
 *
 * @param start first address
 * @param end address behind the last
 */
record PrivateMemory(long start, long end) {
  /**
   * All of a process, ascending and apart from each other; nothing of a zombie. The list of
   * mappings of a running process is of no one moment: one that has grown or moved since the kernel
   * wrote down the first of it is there twice, and the second time begins before the end of the
   * first.
   */
  static List<PrivateMemory> of(int pid) throws IOException {
    List<PrivateMemory> ranges = new ArrayList<>();
    long reached = 0;
    for (Mapping mapping : Mappings.read(pid)) {
      long start = Math.max(mapping.start(), reached);
      if (mapping.kind() == Mapping.Kind.ANONYMOUS && start < mapping.end()) {
        ranges.add(new PrivateMemory(start, mapping.end()));
        reached = mapping.end();
      }
    }
    return ranges;
  }
}
