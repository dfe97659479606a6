package io.longshore.target.files;

import io.longshore.agent.files.ConfinedProgram;
import io.longshore.agent.files.Selection;
import io.longshore.agent.journal.Journal;
import io.longshore.agent.journal.JournalContents;
import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.journal.JournalFormatException;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files that come to this host, of all migrations. What is put here is written down first, in a
 * journal that must outlive the agent and a restart of its host: so what a failed migration put
 * here is removed, by a later agent if need be, and nothing else. Thread-safe.
 */
public final class FileArrivals {
  private static final Logger log = LoggerFactory.getLogger(FileArrivals.class);

  private final Journal journal;
  private final ConfinedProgram confined;
  private final Path locks;
  private final Map<String, IncomingFiles> migrations = new ConcurrentHashMap<>();

  /** What became of a workload whose files an earlier agent put here. */
  public enum Fate {
    /** It runs here, or may: its files stay until {@link #complete} or {@link #remove}. */
    MAY_RUN,
    /** It never ran here and never will. */
    NEVER_RAN
  }

  /**
   * None yet.
   *
   * @param journal of these files and nothing else
   * @param locks folder for the locks of destinations, which is there; may be in memory
   */
  public FileArrivals(Journal journal, ConfinedProgram confined, Path locks) {
    this.journal = journal;
    this.confined = confined;
    this.locks = locks.toAbsolutePath();
  }

  /**
   * Goes on where an earlier agent ended: removes the files of what never ran here. What cannot be
   * removed is logged and stays written down, for {@link #remove}.
   *
   * @param fates asked for each migration that was not resumed; of those that were nothing is
   *     removed by itself
   */
  public void takeUp(Function<MigrationRef, Fate> fates) throws InterruptedException {
    JournalContents found = journal.read();
    found.damaged().forEach((id, why) -> log.error("Migration {}: its files stay: {}", id, why));
    for (JournalEntry entry : found.entries()) {
      String id = entry.ref().id();
      try {
        IncomingFiles files = IncomingFiles.takeUp(this, entry);
        migrations.put(id, files);
        if (!files.wasResumed() && fates.apply(entry.ref()) == Fate.NEVER_RAN) {
          log.warn("Migration {}: never ran here; removing the files that came for it", id);
          remove(id);
        }
      } catch (JournalFormatException | LongshoreException e) {
        log.error("Migration {}: its files cannot be removed yet", id, e);
      }
    }
  }

  /**
   * Makes the destinations. Repeated: does nothing.
   *
   * @throws LongshoreException RSYNC_MISSING, DESTINATION_IN_USE, NOT_ENOUGH_DISK; JOURNAL_FAILED;
   *     nothing was left here then
   */
  public void prepare(MigrationRef ref, List<IncomingTree> trees) throws InterruptedException {
    IncomingFiles files =
        migrations.computeIfAbsent(ref.id(), id -> new IncomingFiles(this, ref, List.of()));
    try {
      files.prepare(trees);
    } catch (LongshoreException e) {
      if (files.isEmpty()) {
        migrations.remove(ref.id(), files);
      }
      throw e;
    }
  }

  /**
   * Starts a receiving rsync on a tree. One that was started on it before is ended first.
   *
   * @throws LongshoreException NOT_FOUND if no such tree was prepared; WRONG_PHASE if its workload
   *     was let run, or its files are removed; FILES_FAILED
   */
  public FileSession open(String migration, int tree, Selection selection) {
    return files(migration).open(tree, selection);
  }

  /**
   * The workload is about to be let run here: from now on nobody but it changes its files, and only
   * {@link #remove} takes them away. Of a migration without files nothing.
   */
  public void resume(String migration) {
    IncomingFiles files = migrations.get(migration);
    if (files != null) {
      files.resume();
    }
  }

  /** The files are the workload's for good: nothing is remembered of how they came. */
  public void complete(String migration) {
    IncomingFiles files = migrations.get(migration);
    if (files != null) {
      files.resume();
      journal.remove(migration);
      migrations.remove(migration, files);
    }
  }

  /**
   * Takes all away that came for a migration; its workload must not run here. Of a migration
   * without files nothing. Again goes on where it failed.
   *
   * @throws LongshoreException FILES_FAILED if something cannot be removed
   */
  public void remove(String migration) throws InterruptedException {
    IncomingFiles files = migrations.get(migration);
    if (files != null) {
      files.remove();
      migrations.remove(migration, files);
    }
  }

  private IncomingFiles files(String migration) {
    IncomingFiles files = migrations.get(migration);
    if (files == null) {
      throw new LongshoreException(
          Reason.NOT_FOUND, "no files are to come for migration " + migration);
    }
    return files;
  }

  Journal journal() {
    return journal;
  }

  ConfinedProgram confined() {
    return confined;
  }

  TreeLock lock(MigrationRef ref, int tree) {
    return new TreeLock(locks.resolve("%s-%d.lock".formatted(ref.id(), tree)));
  }

  static LongshoreException failed(String what, IOException e) {
    return new LongshoreException(
        Reason.FILES_FAILED, "cannot %s: %s".formatted(what, e.getMessage()), e);
  }

  static LongshoreException refused(List<Problem> problems) {
    return LongshoreException.of(problems);
  }
}
