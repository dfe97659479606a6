package io.longshore.source.tracking;

import io.longshore.linux.Mapping;
import io.longshore.linux.Mappings;
import io.longshore.linux.OwnPages;
import io.longshore.linux.PageSize;
import io.longshore.linux.ProcessMemoryReader;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What somebody knows of the memory of processes who copies what a tracker names, no more. */
final class MemoryModel implements AutoCloseable {
  private final Map<Integer, Map<Long, byte[]>> processes = new HashMap<>();

  /** Of each process: what was named when it could not be read, so that it is still to be read. */
  private final Map<Integer, Set<Long>> unread = new HashMap<>();

  private final Map<Integer, List<Range>> described = new HashMap<>();

  private final ProcessMemoryReader reader = new ProcessMemoryReader();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment page = arena.allocate(PageSize.BYTES, PageSize.BYTES);
  private long compared;

  private record Range(Mapping mapping, long start, long end) {}

  /** Copies what a scan named, and what an earlier one named and nobody could read then. */
  void copy(DirtyTracker tracker, List<WrittenPages> written) throws IOException {
    for (WrittenPages pages : written) {
      Set<Long> wanted = unread.computeIfAbsent(pages.pid(), pid -> new TreeSet<>());
      for (WrittenPages.Range range : pages.ranges()) {
        for (long number = range.firstPage();
            number < range.firstPage() + range.count();
            number++) {
          wanted.add(number);
        }
      }
      copy(tracker, pages.pid(), wanted);
    }
  }

  private void copy(DirtyTracker tracker, int pid, Set<Long> wanted) throws IOException {
    Map<Long, byte[]> known = processes.computeIfAbsent(pid, of -> new HashMap<>());
    for (Iterator<Long> left = wanted.iterator(); left.hasNext(); ) {
      long number = left.next();
      if (read(pid, number)) {
        known.put(number, page.toArray(ValueLayout.JAVA_BYTE));
        tracker.noteRead(pid, number, page);
        left.remove();
      }
    }
  }

  private boolean read(int pid, long number) throws IOException {
    try {
      return reader.read(pid, number * PageSize.BYTES, page) == PageSize.BYTES;
    } catch (SystemCallException e) {
      // It has ended, which a running one may at any time. What it may not read itself at the
      // moment is less than was asked for.
      return false;
    }
  }

  /**
   * Notes which pages of processes that do not run are there, as CRIU does before the last look.
   * The kernel may add some later on (khugepaged), which hold zeros and count as not there.
   */
  void describe(Collection<Integer> pids) throws IOException {
    described.clear();
    for (int pid : pids) {
      List<Range> ranges = described.computeIfAbsent(pid, of -> new ArrayList<>());
      try (OwnPages pages = OwnPages.of(pid)) {
        for (Mapping mapping : Mappings.read(pid)) {
          if (mapping.kind() == Mapping.Kind.ANONYMOUS && mapping.readable()) {
            pages.find(
                mapping.start(),
                mapping.end(),
                (start, end) -> ranges.add(new Range(mapping, start, end)));
          }
        }
      }
    }
  }

  /** Pages that were described and are not as they were copied. */
  List<String> differences() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Map.Entry<Integer, List<Range>> process : described.entrySet()) {
      int pid = process.getKey();
      Map<Long, byte[]> known = processes.getOrDefault(pid, Map.of());
      for (Range range : process.getValue()) {
        compare(pid, range.mapping(), range.start(), range.end(), known, wrong);
      }
    }
    return wrong;
  }

  private void compare(
      int pid, Mapping mapping, long start, long end, Map<Long, byte[]> known, List<String> wrong)
      throws IOException {
    for (long address = start; address < end; address += PageSize.BYTES) {
      long number = address / PageSize.BYTES;
      if (!read(pid, number)) {
        throw new AssertionError("cannot read %d at %#x in %s".formatted(pid, address, mapping));
      }
      compared++;
      byte[] copy = known.get(number);
      if (!Arrays.equals(copy, page.toArray(ValueLayout.JAVA_BYTE))) {
        wrong.add(
            "%d at %#x in %s: %s"
                .formatted(pid, address, mapping, copy == null ? "never named" : "stale"));
      }
    }
  }

  /** How many pages were compared. */
  long compared() {
    return compared;
  }

  @Override
  public void close() {
    reader.close();
    arena.close();
  }
}
