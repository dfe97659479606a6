package io.longshore.target.arrival;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.copy.CopyEnd;
import io.longshore.agent.copy.CopyRecord;
import io.longshore.agent.copy.CopyRecord.Stage;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.arrival.EndedCopies.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Objects;
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
  private static final String SECRET = "secret";
  private static final int SECRET_BYTES = 32;

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
  public static ArrivalNotes begin(Path folder, MigrationRef ref, RuntimeRecord runtime) {
    CopyRecord first = CopyRecord.of(ref).withRuntime(runtime);
    ArrivalNotes notes = new ArrivalNotes(folder, Journal.open(folder), first);
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    boolean begun = false;
    try {
      notes.write(first);
      Files.write(folder.resolve(SECRET), secret);
      begun = true;
    } catch (IOException e) {
      throw cannotWrite(folder, e);
    } finally {
      if (!begun) {
        notes.close();
      }
    }
    return notes;
  }

  /** Goes on with those of an agent that is gone. */
  static ArrivalNotes takeUp(Path folder, CopyRecord record) {
    return new ArrivalNotes(folder, Journal.open(folder), record);
  }

  /**
   * What opens the data streams, of the next agent too.
   *
   * @throws LongshoreException JOURNAL_FAILED if it cannot be read
   */
  byte[] secret() {
    try {
      byte[] secret = Files.readAllBytes(folder.resolve(SECRET));
      if (secret.length == SECRET_BYTES) {
        return secret;
      }
      throw new IOException("it has " + secret.length + " bytes");
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.JOURNAL_FAILED, "cannot read the secret in " + folder + ": " + e.getMessage(), e);
    }
  }

  /** This host is about to get these addresses. */
  synchronized void addresses(List<ServiceAddress> addresses) {
    write(record.withAddresses(addresses));
  }

  /** These processes keep the memory: the later takes over from the earlier, if there are two. */
  synchronized void keepers(List<Member> keepers) {
    write(record.withKeepers(keepers));
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
    CopyRecord.unnote(folder, Stage.BROKEN);
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

  /** They are about to be ended, as their memory cannot be filled. Throws nothing: so they must. */
  synchronized void broken() {
    try {
      // What never ran has lost nothing.
      if (record.stage() == Stage.RESUMED) {
        note(Stage.BROKEN);
      }
    } catch (LongshoreException e) {
      log.warn("Could not write down that pages cannot be filled", e);
    }
  }

  /**
   * It is over, and the folder is about to be removed. Throws nothing: only an agent that is
   * started while that is done would need it.
   *
   * @param complete whether it runs here and has every page; else it never will run here
   */
  void over(boolean complete) {
    try {
      EndedCopies.note(
          Objects.requireNonNull(folder.toAbsolutePath().getParent()),
          new Ended(record().ref(), complete));
    } catch (IOException e) {
      log.warn("Could not write down that migration {} is over", record().ref().id(), e);
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
      throw cannotWrite(folder, e);
    }
    record = record.at(stage);
  }

  private static LongshoreException cannotWrite(Path folder, IOException e) {
    return new LongshoreException(
        Reason.JOURNAL_FAILED, "cannot write in " + folder + ": " + e.getMessage(), e);
  }

  private synchronized void write(CopyRecord now) {
    journal.write(now.toEntry());
    record = now;
  }
}
