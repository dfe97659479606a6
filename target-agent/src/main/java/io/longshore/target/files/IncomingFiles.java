package io.longshore.target.files;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.agent.files.Selection;
import io.longshore.agent.journal.JournalEntry;
import io.longshore.agent.journal.JournalFormatException;
import io.longshore.agent.migration.MigrationRef;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The files that come to this host for one migration. Thread-safe. */
final class IncomingFiles {
  private enum Phase {
    /** They come. */
    STAGED,
    /** Their workload was, or is about to be, let run. */
    RESUMED,
    /** They are being removed. */
    REMOVING
  }

  private final FileArrivals all;
  private final MigrationRef ref;
  private final Staging staging;

  @GuardedBy("this")
  private final Map<Integer, FileSession> sessions = new HashMap<>();

  @GuardedBy("this")
  private List<StagedTree> trees;

  @GuardedBy("this")
  private Phase phase = Phase.STAGED;

  IncomingFiles(FileArrivals all, MigrationRef ref, List<StagedTree> trees) {
    this.all = all;
    this.ref = ref;
    this.staging = new Staging(all.confined());
    this.trees = List.copyOf(trees);
  }

  /** Those that an earlier agent wrote down. */
  static IncomingFiles takeUp(FileArrivals all, JournalEntry entry) throws JournalFormatException {
    List<StagedTree> trees = new ArrayList<>();
    for (int number = 1; number <= entry.number("trees"); number++) {
      StagedTree.read(entry, number).ifPresent(trees::add);
    }
    IncomingFiles files = new IncomingFiles(all, entry.ref(), trees);
    synchronized (files) {
      try {
        files.phase = Phase.valueOf(entry.phase());
      } catch (IllegalArgumentException e) {
        throw new JournalFormatException("no phase of files: " + entry.phase(), e);
      }
    }
    return files;
  }

  synchronized boolean wasResumed() {
    return phase == Phase.RESUMED;
  }

  synchronized boolean isEmpty() {
    return trees.isEmpty();
  }

  synchronized void prepare(List<IncomingTree> wanted) throws InterruptedException {
    require(Phase.STAGED, "come");
    if (!trees.isEmpty()) {
      return;
    }
    List<Problem> problems = Destinations.check(wanted);
    if (!problems.isEmpty()) {
      throw FileArrivals.refused(problems);
    }
    try {
      for (IncomingTree tree : wanted) {
        // Written down before it is made: an agent that dies in between leaves nothing unknown.
        note(Staging.plan(tree));
        make(trees.getLast());
      }
    } catch (IOException e) {
      undo(e);
      throw FileArrivals.failed("make the places for files of migration " + ref.id(), e);
    } catch (LongshoreException e) {
      undo(e);
      throw e;
    }
  }

  synchronized FileSession open(int number, Selection selection) {
    require(Phase.STAGED, "come");
    StagedTree tree =
        trees.stream()
            .filter(each -> each.number() == number)
            .findFirst()
            .orElseThrow(
                () ->
                    new LongshoreException(
                        Reason.NOT_FOUND,
                        "migration %s has no tree %d of files".formatted(ref.id(), number)));
    FileSession before = sessions.remove(number);
    if (before != null) {
      before.close();
    }
    try {
      TreeLock lock = all.lock(ref, number);
      lock.awaitFree();
      FileSession session = new FileSession(all.confined(), tree, lock, selection);
      sessions.put(number, session);
      return session;
    } catch (IOException e) {
      throw FileArrivals.failed("start rsync for " + tree.path(), e);
    }
  }

  synchronized void resume() {
    if (phase == Phase.RESUMED) {
      return;
    }
    require(Phase.STAGED, "be used");
    endSessions();
    write(Phase.RESUMED);
  }

  synchronized void remove() throws InterruptedException {
    // Else it could be opened again if this fails.
    phase = Phase.REMOVING;
    endSessions();
    try {
      for (StagedTree tree : trees.reversed()) {
        staging.remove(tree, all.lock(ref, tree.number()));
      }
    } catch (IOException e) {
      throw FileArrivals.failed("remove the files of migration " + ref.id(), e);
    }
    all.journal().remove(ref.id());
  }

  @GuardedBy("this")
  private void endSessions() {
    sessions.values().forEach(FileSession::close);
    sessions.clear();
  }

  private void undo(Exception why) throws InterruptedException {
    try {
      remove();
      synchronized (this) {
        trees = List.of();
        phase = Phase.STAGED;
      }
    } catch (LongshoreException e) {
      why.addSuppressed(e);
    }
  }

  @GuardedBy("this")
  private void make(StagedTree tree) throws IOException {
    try {
      note(staging.make(tree));
    } catch (LongshoreException e) {
      // What is there is somebody else's.
      trees = trees.stream().filter(each -> each.number() != tree.number()).toList();
      throw e;
    }
  }

  /** Adds a tree, or replaces that of its number. */
  @GuardedBy("this")
  private void note(StagedTree tree) {
    List<StagedTree> now = new ArrayList<>(trees);
    now.removeIf(each -> each.number() == tree.number());
    now.add(tree);
    trees = List.copyOf(now);
    write(phase);
  }

  @GuardedBy("this")
  private void write(Phase next) {
    int most = trees.stream().mapToInt(StagedTree::number).max().orElse(0);
    JournalEntry entry = JournalEntry.of(ref, next.name()).with("trees", most);
    for (StagedTree tree : trees) {
      entry = tree.addTo(entry);
    }
    all.journal().write(entry);
    phase = next;
  }

  @GuardedBy("this")
  private void require(Phase wanted, String what) {
    if (phase != wanted) {
      throw new LongshoreException(
          Reason.WRONG_PHASE,
          "the files of migration %s cannot %s: they are %s".formatted(ref.id(), what, phase));
    }
  }
}
