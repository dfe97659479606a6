package io.longshore.target.arrival;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.copy.CopyEnd;
import io.longshore.agent.copy.CopyRecord;
import io.longshore.agent.copy.CopyRecord.Stage;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is written down of an arrival in its own folder, so that the next agent knows what this one
 * had. While this agent runs, the doctor sees that it has it. Every method throws
 * LongshoreException JOURNAL_FAILED if it cannot be written, but where it says otherwise.
 * Thread-safe.
 */
public final class ArrivalNotes implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ArrivalNotes.class);

  private final Path folder;
  private final Journal journal;

  @GuardedBy("this")
  private CopyRecord record;

  @GuardedBy("this")
  private boolean full;

  private ArrivalNotes(Path folder, Journal journal, CopyRecord record) {
    this.folder = folder;
    this.journal = journal;
    this.record = record;
  }

  /** Begins, in a folder that is there. */
  public static ArrivalNotes begin(Path folder, MigrationRef ref) {
    ArrivalNotes notes = new ArrivalNotes(folder, Journal.open(folder), CopyRecord.of(ref));
    notes.write(CopyRecord.of(ref));
    return notes;
  }

  /** Goes on with those of an agent that is gone. */
  static ArrivalNotes takeUp(Path folder, CopyRecord record) {
    return new ArrivalNotes(folder, Journal.open(folder), record);
  }

  /** This host is about to get these addresses. */
  synchronized void addresses(List<ServiceAddress> addresses) {
    write(record.withAddresses(addresses));
  }

  /** This process keeps the memory. */
  synchronized void keeper(Member keeper) {
    write(record.withKeeper(keeper));
  }

  /** These processes were restored and are held. */
  synchronized void held(List<Member> processes) {
    write(record.withProcesses(processes));
  }

  /** They are about to run. */
  synchronized void resumed() {
    note(full ? Stage.FILLED : Stage.RESUMED);
  }

  /** They did not run and never will. */
  synchronized void neverRan() throws IOException {
    // Filled alone would be taken for a copy that runs.
    CopyRecord.unnote(folder, Stage.FILLED);
    CopyRecord.unnote(folder, Stage.RESUMED);
    record = record.at(Stage.PREPARED);
  }

  /** No page is missing. Throws nothing: the workload is whole, whoever knows it. */
  synchronized void filled() {
    full = true;
    try {
      // What never ran is not taken for running because it is whole.
      if (record.stage() == Stage.RESUMED) {
        note(Stage.FILLED);
      }
    } catch (LongshoreException e) {
      log.warn("Could not write down that every page is there", e);
    }
  }

  /** What is written. */
  synchronized CopyRecord record() {
    return record;
  }

  /** How the copy is ended as it is written now. */
  CopyEnd end() {
    return new CopyEnd(folder, record());
  }

  /** Nothing is written any more; the folder stays. */
  @Override
  public void close() {
    journal.close();
  }

  private synchronized void note(Stage stage) {
    try {
      CopyRecord.note(folder, stage);
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.JOURNAL_FAILED, "cannot write in " + folder + ": " + e.getMessage(), e);
    }
    record = record.at(stage);
  }

  private synchronized void write(CopyRecord now) {
    journal.write(now.toEntry());
    record = now;
  }
}
