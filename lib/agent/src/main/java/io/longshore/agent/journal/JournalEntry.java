package io.longshore.agent.journal;

import io.longshore.agent.migration.MigrationRef;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an agent holds for one migration, as it is written down.
 *
 * @param ref the migration, with the newest epoch that the agent has seen for it
 * @param phase where it stands, in the agent's own words
 * @param values whatever else the agent needs to take it up again; names are of lower-case letters,
 *     digits, '.' and '-'
 */
public record JournalEntry(MigrationRef ref, String phase, SortedMap<String, String> values) {
  private static final String SEPARATOR = "\n";

  /** Copies the values and refuses names that could not be read again. */
  public JournalEntry {
    values = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(values));
    if (!phase.matches("[A-Z_]+")) {
      throw new IllegalArgumentException("not the name of a phase: " + phase);
    }
    for (String name : values.keySet()) {
      if (!name.matches("[a-z0-9.-]+")) {
        throw new IllegalArgumentException("not the name of a value: " + name);
      }
    }
  }

  /** One without values. */
  public static JournalEntry of(MigrationRef ref, String phase) {
    return new JournalEntry(ref, phase, new TreeMap<>());
  }

  /**
   * Whether nothing is held for the migration any more, and only its outcome is remembered. By that
   * an agent writes no values: it is how others can tell.
   */
  public boolean isOver() {
    return values.isEmpty();
  }

  /** The same with one more value. */
  public JournalEntry with(String name, String value) {
    SortedMap<String, String> more = new TreeMap<>(values);
    more.put(name, value);
    return new JournalEntry(ref, phase, more);
  }

  /** The same with one more number. */
  public JournalEntry with(String name, long value) {
    return with(name, Long.toString(value));
  }

  /** The same with one more list, of texts without line breaks. */
  public JournalEntry with(String name, List<String> list) {
    return with(name, String.join(SEPARATOR, list));
  }

  /** A value, if it was written. */
  public Optional<String> find(String name) {
    return Optional.ofNullable(values.get(name));
  }

  /**
   * A value.
   *
   * @throws JournalFormatException if it was not written
   */
  public String text(String name) throws JournalFormatException {
    String value = values.get(name);
    if (value == null) {
      throw new JournalFormatException("the value " + name + " is missing");
    }
    return value;
  }

  /**
   * A number.
   *
   * @throws JournalFormatException if it was not written, or is none
   */
  public long number(String name) throws JournalFormatException {
    String value = text(name);
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new JournalFormatException("the value " + name + " is no number: " + value, e);
    }
  }

  /**
   * A list.
   *
   * @throws JournalFormatException if it was not written
   */
  public List<String> list(String name) throws JournalFormatException {
    String value = text(name);
    return value.isEmpty() ? List.of() : List.of(value.split(SEPARATOR, -1));
  }
}
