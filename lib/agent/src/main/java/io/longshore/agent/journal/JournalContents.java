package io.longshore.agent.journal;

import java.util.List;
import java.util.Map;

/**
 * What a journal holds.
 *
 * @param entries those that can be read, by migration
 * @param damaged what is wrong with the others, by migration: nobody knows what they held
 */
public record JournalContents(List<JournalEntry> entries, Map<String, String> damaged) {
  /** Copies. */
  public JournalContents {
    entries = List.copyOf(entries);
    damaged = Map.copyOf(damaged);
  }
}
