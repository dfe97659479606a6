package io.longshore.agent.runtime;

import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.journal.JournalFormatException;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a runtime writes down of a workload, so that the next agent can go on. Of a process it is
 * nothing: what there is of it is written down anyway, and was before there were other runtimes.
 *
 * @param workload which
 * @param values the runtime's own; names are of lower-case letters, digits, '.' and '-'
 */
public record RuntimeRecord(WorkloadName workload, SortedMap<String, String> values) {
  private static final String RUNTIME = "runtime";
  private static final String NAME = "runtime.name";
  private static final String VALUE = "runtime.value.";

  /** Copies. */
  public RuntimeRecord {
    values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
  }

  /** Of a process. */
  public static RuntimeRecord ofProcess(int pid) {
    return new RuntimeRecord(WorkloadName.ofProcess(pid), new TreeMap<>());
  }

  /** The name of what runs it. */
  public String runtime() {
    return workload.runtime();
  }

  /** The entry, with this in it. */
  public JournalEntry in(JournalEntry entry) {
    if (runtime().equals(WorkloadName.PROCESS)) {
      return entry;
    }
    JournalEntry with = entry.with(RUNTIME, runtime()).with(NAME, workload.name());
    for (Map.Entry<String, String> value : values.entrySet()) {
      with = with.with(VALUE + value.getKey(), value.getValue());
    }
    return with;
  }

  /**
   * What was written.
   *
   * @param pid of the root, if it is a process
   * @throws JournalFormatException if it cannot be understood
   */
  public static RuntimeRecord of(JournalEntry entry, int pid) throws JournalFormatException {
    if (entry.find(RUNTIME).isEmpty()) {
      return ofProcess(pid);
    }
    SortedMap<String, String> values = new TreeMap<>();
    entry
        .values()
        .forEach(
            (name, value) -> {
              if (name.startsWith(VALUE)) {
                values.put(name.substring(VALUE.length()), value);
              }
            });
    try {
      return new RuntimeRecord(new WorkloadName(entry.text(RUNTIME), entry.text(NAME)), values);
    } catch (IllegalArgumentException e) {
      throw new JournalFormatException("a value cannot be: " + e.getMessage(), e);
    }
  }
}
