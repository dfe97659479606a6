package io.longshore.criu.run;

import io.longshore.linux.FileWriters;
import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.StoppedThreads;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A {@code criu restore} that is held at {@link Barrier.Action#POST_RESTORE}: all is restored and
 * nothing runs.
 *
 * <p>In order: {@link #start}, {@link #awaitNamespaces} and {@link #goOn} if its place says so,
 * {@link #awaitHeld}, then either {@link #go} and {@link #awaitExit}, or {@link #abort} or {@link
 * #kill}. Before {@link #go} any failure means that nothing of the tree will ever run here. All
 * methods may be called by any thread.
 */
public final class CriuRestore {

  private static final String ACTION = "restore";
  private static final Duration STOPPED = Duration.ofSeconds(5);
  private static final Duration KILLED = Duration.ofSeconds(10);
  private static final Duration LETS_RUN = Duration.ofSeconds(10);
  private static final Duration LOOK = Duration.ofMillis(10);

  /** How long CRIU may see to it that what it kills ends. */
  private static final Duration ENDING = Duration.ofSeconds(5);

  private static final Duration LOOK_AT_ENDING = Duration.ofMillis(100);

  private final Path work;
  private final CriuProcess process;
  private final Barrier barrier;
  private final BarrierWatch watch;
  private final @Nullable Barrier namespaces;
  private final @Nullable BarrierWatch namespacesWatch;
  private volatile boolean takenBack;

  /** The root, once it was let go. */
  private volatile @Nullable Member root;

  /** What became of a restore whose agent is gone. */
  public enum Fate {
    /** Nothing of the tree ran, and nothing will: what there is of it waits for ever. */
    NEVER_RAN,
    /** CRIU died while it let one process after another run. */
    RAN_IN_PART,
    /** It runs, or CRIU was told to let it run, lives, and takes long. */
    RUNS
  }

  private CriuRestore(
      Path work,
      CriuProcess process,
      Barrier barrier,
      BarrierWatch watch,
      @Nullable Barrier namespaces,
      @Nullable BarrierWatch namespacesWatch) {
    this.work = work;
    this.process = process;
    this.barrier = barrier;
    this.watch = watch;
    this.namespaces = namespaces;
    this.namespacesWatch = namespacesWatch;
  }

  /** Starts CRIU. The pids of the tree must be free. */
  public static CriuRestore start(Criu criu, RestoreOptions options) throws IOException {
    Path work = options.work();
    Barrier barrier = Barrier.create(work, Barrier.Action.POST_RESTORE);
    Barrier namespaces =
        options.place().heldAtNamespaces()
            ? Barrier.create(work, Barrier.Action.SETUP_NAMESPACES)
            : null;
    List<String> arguments = new ArrayList<>(options.arguments());
    arguments.addAll(List.of("--action-script", barrier.script().toString()));
    BarrierWatch watch = new BarrierWatch(barrier);
    BarrierWatch namespacesWatch = null;
    boolean started = false;
    try {
      namespacesWatch = namespaces == null ? null : new BarrierWatch(namespaces);
      CriuProcess process =
          CriuProcess.start(options.place().launcher(), criu, ACTION, work, arguments);
      started = true;
      return new CriuRestore(work, process, barrier, watch, namespaces, namespacesWatch);
    } finally {
      if (!started) {
        watch.close();
        if (namespacesWatch != null) {
          namespacesWatch.close();
        }
      }
    }
  }

  /**
   * What a restore has made and not let run yet, and CRIU itself. If CRIU was killed they wait for
   * it for ever, and are nobody's children: what marks them is CRIU's log, which each has open
   * until it runs (criu/pie/restorer.c). Empty once all run, or after a failure of CRIU's own, for
   * it kills them then.
   *
   * @param work the work folder of that restore and of no other
   */
  public static List<Member> notLetRun(Path work) throws IOException {
    return FileWriters.of(CriuProcess.log(work, ACTION).toAbsolutePath());
  }

  /**
   * Finds out what became of a restore whose agent is gone. What never ran is stopped, where CRIU
   * is dead.
   *
   * @param work the work folder of that restore and of no other
   * @param tree all processes that were restored
   * @throws NoSuchFileException if none was started there
   */
  public static Fate fate(Path work, List<Member> tree) throws IOException {
    Barrier barrier = Barrier.attach(work, Barrier.Action.POST_RESTORE);
    if (!barrier.answered().equals(Optional.of(Barrier.Answer.GO))) {
      List<Member> criu = new ArrayList<>(notLetRun(work));
      criu.removeAll(tree);
      new ProcessFamily(criu).kill(KILLED);
      if (!barrier.answered().equals(Optional.of(Barrier.Answer.GO))) {
        return Fate.NEVER_RAN;
      }
    }
    List<Member> waiting = awaitCriusEnd(work, tree);
    if (!tree.containsAll(waiting) && isEnding(tree)) {
      List<Member> criu = new ArrayList<>(waiting);
      criu.removeAll(tree);
      new ProcessFamily(criu).kill(KILLED);
      return Fate.RAN_IN_PART;
    }
    if (waiting.isEmpty() || !tree.containsAll(waiting)) {
      return Fate.RUNS;
    }
    return stopIfNeverRan(work, tree) ? Fate.NEVER_RAN : Fate.RAN_IN_PART;
  }

  /**
   * Whether CRIU kills the tree and waits for it without end. The first process of a pid namespace
   * does not end before its children are reaped, which CRIU traces, and CRIU waits for the first.
   */
  private static boolean isEnding(List<Member> tree) throws IOException {
    for (Member member : tree) {
      if (member.isEnding()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns what was not let run when CRIU is gone, or does not go. Who else has its log open is
   * CRIU, or its script, which has the answer already and outlives a CRIU that was killed.
   */
  private static List<Member> awaitCriusEnd(Path work, List<Member> tree) throws IOException {
    long end = System.nanoTime() + LETS_RUN.toNanos();
    List<Member> waiting = notLetRun(work);
    while (!tree.containsAll(waiting) && System.nanoTime() < end) {
      LockSupport.parkNanos(LOOK.toNanos());
      waiting = notLetRun(work);
    }
    return waiting;
  }

  /**
   * Waits until the root of the tree is there with its namespaces, and CRIU is held so that what is
   * needed in them can be made.
   *
   * @return pid of the root, as this process sees it
   * @throws CriuFailure if CRIU fails or takes too long, for which it and all that it restored are
   *     killed
   * @throws IllegalStateException if its place does not say so
   */
  public int awaitNamespaces(Duration timeout) throws IOException, InterruptedException {
    if (namespacesWatch == null) {
      throw new IllegalStateException("the restore is not held at its namespaces");
    }
    try (namespacesWatch) {
      return process.await(
          namespacesWatch.held(process.exit()), timeout, "did not make the tree's namespaces");
    } catch (CriuFailure failure) {
      killOrphans();
      throw failure;
    }
  }

  /** Lets CRIU restore the rest, after {@link #awaitNamespaces}. */
  public void goOn() throws IOException {
    if (namespaces == null) {
      throw new IllegalStateException("the restore is not held at its namespaces");
    }
    namespaces.answer(Barrier.Answer.GO);
  }

  /**
   * Waits until all is restored and held.
   *
   * @return pid of the root, as this process sees it
   * @throws CriuFailure if CRIU fails or takes too long, for which it and all that it restored are
   *     killed
   */
  public int awaitHeld(Duration timeout) throws IOException, InterruptedException {
    try (watch) {
      return process.await(watch.held(process.exit()), timeout, "did not restore the tree");
    } catch (CriuFailure failure) {
      killOrphans();
      throw failure;
    }
  }

  /**
   * Lets the tree run. There is no way back: from here on only {@link #awaitExit} tells what became
   * of it.
   *
   * @throws IllegalStateException if it is not held
   */
  public void go() throws IOException {
    Optional<Integer> held = barrier.held();
    if (held.isPresent()) {
      try {
        root = Member.of(held.get());
      } catch (NoSuchFileException e) {
        // CRIU will say what it thinks of that.
      }
    }
    barrier.answer(Barrier.Answer.GO);
  }

  /**
   * Waits for the end of CRIU after {@link #go}. Kills nothing: a CRIU that takes long may have let
   * the tree run already. But if CRIU has failed, kills the tree and does not get on with that, it
   * is killed.
   *
   * @return empty if CRIU is not done yet
   * @throws CriuFailure if CRIU failed, in which case it has killed what it had restored
   */
  public Optional<Integer> awaitExit(Duration timeout) throws IOException, InterruptedException {
    long end = System.nanoTime() + timeout.toNanos();
    long notEnding = System.nanoTime();
    Optional<Integer> exit = process.awaitExit(least(timeout, LOOK_AT_ENDING));
    while (exit.isEmpty() && System.nanoTime() < end) {
      Member known = root;
      if (known == null || !known.isEnding()) {
        notEnding = System.nanoTime();
      } else if (System.nanoTime() - notEnding > ENDING.toNanos()) {
        process.kill();
      }
      exit = process.awaitExit(least(Duration.ofNanos(end - System.nanoTime()), LOOK_AT_ENDING));
    }
    if (exit.isPresent() && exit.get() != 0) {
      throw process.failed("failed after it was let go");
    }
    return exit;
  }

  private static Duration least(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /**
   * After {@link #go}, if CRIU died of it: whether nothing of the tree has run. Then all of it is
   * stopped and never will run: {@link #abort} kills it.
   *
   * <p>It is certain: the first thread of a task closes CRIU's log before it returns to what it did
   * at the dump, so one that is stopped and still has the log open has not come that far; and
   * neither has another thread that is in the same mapping, CRIU's code, which goes before the task
   * runs.
   *
   * @param tree all processes that were restored
   */
  public boolean takeBack(List<Member> tree) throws IOException {
    if (!process.exit().isDone()) {
      return false;
    }
    if (stopIfNeverRan(work, tree)) {
      takenBack = true;
    }
    return takenBack;
  }

  private static boolean stopIfNeverRan(Path work, List<Member> tree) throws IOException {
    ProcessFamily family = new ProcessFamily(tree);
    boolean never = false;
    try {
      family.stop(STOPPED);
      never = Set.copyOf(notLetRun(work)).containsAll(tree) && noThreadRan(tree);
      return never;
    } finally {
      if (!never) {
        family.goOn();
      }
    }
  }

  private static boolean noThreadRan(List<Member> tree) throws IOException {
    for (Member member : tree) {
      if (!StoppedThreads.areTogether(member.pid())) {
        return false;
      }
    }
    return true;
  }

  /**
   * Ends a restore that was not let go, and waits until all of it is dead. A CRIU that is held
   * kills what it restored; one that is not, or takes too long, is killed with all that is below
   * it; and one that is dead already has left what it restored, which is killed too.
   *
   * @throws IllegalStateException if it was let go and not taken back
   */
  public void abort(Duration timeout) throws IOException, InterruptedException {
    closeWatches();
    if (!takenBack && barrier.held().isPresent()) {
      // If go was answered before, this answer changes nothing.
      barrier.answer(Barrier.Answer.ABORT);
      Optional<Integer> exit = process.awaitExit(timeout);
      if (barrier.answered().equals(Optional.of(Barrier.Answer.GO))) {
        throw new IllegalStateException("the restored tree was let go; it cannot be taken back");
      }
      if (exit.isPresent()) {
        killOrphans();
        return;
      }
    }
    process.kill();
    killOrphans();
  }

  /** Kills CRIU and all processes below it: before {@link #go}, all that it restored. */
  public void kill() throws IOException {
    process.kill();
    closeWatches();
    killOrphans();
  }

  private void closeWatches() throws IOException {
    watch.close();
    if (namespacesWatch != null) {
      namespacesWatch.close();
    }
  }

  /** A CRIU that somebody else killed took nothing with it. */
  private void killOrphans() throws IOException {
    new ProcessFamily(notLetRun(work)).kill(KILLED);
  }

  int pid() {
    return process.pid();
  }

  /** CRIU's exit status: 0 when the tree runs; 128 and the signal if it was killed. */
  public CompletableFuture<Integer> exit() {
    return process.exit();
  }
}
