package io.longshore.source.departure;

import io.longshore.agent.journal.Journal;
import io.longshore.platform.error.LongshoreException;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The journal of one departure, and what it says now. Thread-safe; reading does not wait. */
final class DepartureJournal {
  private static final Logger log = LoggerFactory.getLogger(DepartureJournal.class);

  private final Journal journal;
  private volatile DepartureRecord record;

  private DepartureJournal(Journal journal, DepartureRecord record) {
    this.journal = journal;
    this.record = record;
  }

  /**
   * Begins one: the first record is durable when this returns.
   *
   * @throws LongshoreException JOURNAL_FAILED
   */
  static DepartureJournal begin(Journal journal, DepartureRecord first) {
    DepartureJournal begun = new DepartureJournal(journal, first);
    journal.write(first.entry());
    return begun;
  }

  /** Goes on with what was read. */
  static DepartureJournal takeUp(Journal journal, DepartureRecord read) {
    return new DepartureJournal(journal, read);
  }

  DepartureRecord record() {
    return record;
  }

  /**
   * Changes what is held. Durable when it returns; else nothing was changed.
   *
   * @throws LongshoreException JOURNAL_FAILED
   */
  synchronized void change(UnaryOperator<DepartureRecord> change) {
    DepartureRecord next = change.apply(record);
    if (!next.equals(record)) {
      journal.write(next.entry());
      record = next;
    }
  }

  /**
   * Changes what is held, also if it cannot be written: for what can be told from the kernel after
   * a restart, and must not wait for a disk.
   */
  synchronized void note(UnaryOperator<DepartureRecord> change) {
    try {
      change(change);
    } catch (LongshoreException e) {
      record = change.apply(record);
      log.warn("Migration {}: {}", record.ref().id(), e.getMessage());
      if (record.phase() == Phase.ROLLED_BACK) {
        forget();
      }
    }
  }

  /** Takes no room: what was rolled back is answered as what was never known. */
  private void forget() {
    try {
      journal.remove(record.ref().id());
    } catch (LongshoreException e) {
      log.warn("Migration {}: {}", record.ref().id(), e.getMessage());
    }
  }

  /** As {@link #note}, without waiting for the disk. */
  void noteLater(UnaryOperator<DepartureRecord> change) {
    Thread.ofVirtual().name("journal-" + record.ref().id()).start(() -> note(change));
  }
}
