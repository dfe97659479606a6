package io.longshore.target.restore;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFailure;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.LazyPagesSocket;
import io.longshore.criu.run.LazyPagesSocket.Word;
import io.longshore.criu.run.RestoreOptions;
import io.longshore.criu.run.RestorePlace;
import io.longshore.linux.ProcessFamily;
import io.longshore.linux.ProcessFamily.Member;
import io.longshore.linux.ThreadNiceness;
import io.longshore.linux.Userfaultfd;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.DemandFaults;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.MemoryHolder;
import io.longshore.target.pages.MemoryLog;
import io.longshore.target.pages.PageInstaller;
import io.longshore.target.pages.PageStore;
import io.longshore.target.runtime.Coming;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One workload being restored: {@code criu restore}, held before anything runs, the installer that
 * takes over the memory of its processes and fills it, and the keeper that holds that memory if
 * this agent dies.
 *
 * <p>{@link #prepare} and {@link #start}, then {@link #go} and {@link #awaitFilled}, or {@link
 * #abort}; {@link #close} when the processes are dead. One that an agent which is gone let run is
 * gone on with by {@link #ofRunning}, {@link #prepare} and {@link #takeUp}. Thread-safe.
 */
public final class Restoration {
  private static final Logger log = LoggerFactory.getLogger(Restoration.class);
  private static final Duration HELD = Duration.ofMinutes(2);
  private static final Duration RUNNING = Duration.ofSeconds(30);
  private static final Duration ABORTED = Duration.ofSeconds(5);
  private static final Duration HANDED_OVER = Duration.ofSeconds(10);
  private static final Duration KILLED = Duration.ofSeconds(10);
  private static final String MEMORY_LOG = "memory.log";

  /** None if another agent has restored it. */
  private final @Nullable Criu criu;

  private final Coming coming;
  private final CriuFolder folder;
  private final PageStore pages;
  private final Demands demands;
  private final CompletableFuture<Void> filled = new CompletableFuture<>();

  /** When the installer and the keeper have the memory of every process. */
  private final CompletableFuture<Void> handedOver = new CompletableFuture<>();

  /** Whether it is known what becomes of {@link #filled}. */
  private final AtomicBoolean settled = new AtomicBoolean();

  private final CompletableFuture<List<Member>> processes = new CompletableFuture<>();

  @GuardedBy("this")
  private boolean aborted;

  @GuardedBy("this")
  private @Nullable Keeper keeper;

  @GuardedBy("this")
  private @Nullable LazyPagesSocket socket;

  @GuardedBy("this")
  private @Nullable PageInstaller installer;

  @GuardedBy("this")
  private @Nullable CriuRestore restore;

  @GuardedBy("this")
  private @Nullable Thread receiving;

  @GuardedBy("this")
  private int rootPid;

  @GuardedBy("this")
  private boolean letGo;

  @GuardedBy("this")
  private boolean closed;

  /** Why its memory cannot be filled. */
  @GuardedBy("this")
  private @Nullable Throwable broken;

  @GuardedBy("this")
  private Consumer<List<Member>> whenHeld = processes -> {};

  @GuardedBy("this")
  private Runnable whenFilled = () -> {};

  @GuardedBy("this")
  private Runnable whenBroken = () -> {};

  /**
   * @param coming what its runtime knows and does
   * @param folder has all images when {@link #start} is called
   * @param pages knows by then which pages will come
   */
  public Restoration(
      Criu criu, Coming coming, CriuFolder folder, PageStore pages, Demands demands) {
    this(coming, folder, pages, demands, criu);
  }

  private Restoration(
      Coming coming, CriuFolder folder, PageStore pages, Demands demands, @Nullable Criu criu) {
    this.criu = criu;
    this.coming = coming;
    this.folder = folder;
    this.pages = pages;
    this.demands = demands;
  }

  /**
   * One that an agent which is gone let run.
   *
   * @param pages knows which pages will come
   * @param processes that were restored, the root first
   */
  public static Restoration ofRunning(
      Coming coming, CriuFolder folder, PageStore pages, Demands demands, List<Member> processes) {
    Restoration running = new Restoration(coming, folder, pages, demands, null);
    running.processes.complete(processes);
    synchronized (running) {
      running.rootPid = processes.getFirst().pid();
      running.letGo = true;
    }
    return running;
  }

  /**
   * Starts what need not wait for the images: the keeper. Makes the log of the memories, but for a
   * workload that runs already, which has one.
   *
   * @return its process
   * @throws LongshoreException CRIU_RESTORE_FAILED if it does not start; CANCELLED if aborted
   */
  public synchronized Member prepare() {
    throwIfAborted();
    Keeper started = keeper;
    if (started == null) {
      try {
        if (criu != null) {
          MemoryLog.create(folder.work().resolve(MEMORY_LOG));
        }
        started = Keeper.start(folder.work());
      } catch (IOException e) {
        throw new LongshoreException(
            Reason.CRIU_RESTORE_FAILED,
            "what keeps the workload's memory cannot be started: " + e.getMessage(),
            e);
      }
      keeper = started;
    }
    return started.member();
  }

  /**
   * Restores and holds. From when it returns pages go straight into the held processes, and the
   * keeper has the memory of all of them.
   *
   * @param linkPatience how long there may be no way to the source, if it has pages that did not
   *     come; when this has returned that does not matter any more
   * @throws LongshoreException CRIU_RESTORE_FAILED with CRIU's words; LINK_CUT; CANCELLED if
   *     aborted meanwhile; nothing of the tree is left then
   */
  public void start(Duration linkPatience) throws IOException, InterruptedException {
    PageInstaller filling = startInstaller();
    LinkWatch link = new LinkWatch(pages, demands, linkPatience, filling::giveUp);
    link.begin();
    boolean filledEnough;
    try {
      filledEnough = restoreAndHold(filling);
    } catch (CriuFailure e) {
      throw failed(e);
    } finally {
      link.end();
    }
    throwIfGivenUp();
    if (!filledEnough) {
      throw new LongshoreException(
          Reason.CRIU_RESTORE_FAILED,
          "pages that must be there before the workload runs did not come within " + HELD);
    }
  }

  /** Returns whether all is there that must be before it runs. */
  private boolean restoreAndHold(PageInstaller filling) throws IOException, InterruptedException {
    RestorePlace place = coming.place();
    CriuRestore restoring = startRestore(place);
    ForkWipedPages wiped = ForkWipedPages.of(folder.images());
    if (place.heldAtNamespaces()) {
      coming.namespacesMade(restoring.awaitNamespaces(HELD));
      restoring.goOn();
    }
    int root = restoring.awaitHeld(HELD);
    synchronized (this) {
      rootPid = root;
    }
    // Meanwhile the coordinator decides; nothing runs, so nothing is missed.
    ThreadNiceness.thread("tree", ThreadNiceness.URGENT, () -> lookAtProcesses(root)).start();
    coming.held(root);
    awaitHandedOver(filling);
    filling.open();
    return wiped.fillNow(filling, HELD);
  }

  private void throwIfGivenUp() {
    synchronized (this) {
      throwIfAborted();
    }
    requireFillable();
  }

  /** It runs already, and has every page: instead of {@link #takeUp}. */
  public void noteFilled() {
    settled.set(true);
    filled.complete(null);
  }

  /**
   * Takes over the memories of what runs already, and goes on filling them. After {@link #prepare};
   * when it returns, the keeper has them too.
   *
   * @param earlier keepers, of which one has them; it goes on holding them
   * @throws IOException if that cannot be: then it is as it was, and waits
   */
  public synchronized void takeUp(List<Member> earlier) throws IOException {
    Keeper holding = prepared();
    MemoryLog happened = null;
    List<Userfaultfd> held = List.of();
    boolean taken = false;
    try {
      happened = MemoryLog.open(folder.work().resolve(MEMORY_LOG));
      held = Keeper.heldBy(earlier, happened.memories());
      for (Userfaultfd memory : held) {
        holding.hold(memory);
      }
      holding.confirm();
      installer = PageInstaller.takeUp(pages, demands, new TellingHolder(holding), happened, held);
      taken = true;
    } finally {
      if (!taken) {
        held.forEach(Userfaultfd::close);
        if (happened != null) {
          happened.close();
        }
        holding.release();
      }
    }
    handedOver.complete(null);
    var _ = installer.filled().whenComplete((nothing, failure) -> ended(failure));
  }

  /**
   * The processes that were restored; those that may run afterwards descend from them. After {@link
   * #start}.
   *
   * @throws LongshoreException CRIU_RESTORE_FAILED if they cannot be seen or written down
   */
  public List<Member> processes() {
    try {
      return processes.join();
    } catch (CompletionException e) {
      throw new LongshoreException(
          Reason.CRIU_RESTORE_FAILED,
          "the processes that were restored cannot be written down: " + e.getCause(),
          e);
    }
  }

  /**
   * Is called once every page is installed, before the keeper lets go. Not after {@link #start}.
   */
  public synchronized void whenFilled(Runnable listener) {
    whenFilled = listener;
  }

  /** Is called before what runs is killed because it cannot be filled. Not after {@link #start}. */
  public synchronized void whenBroken(Runnable listener) {
    whenBroken = listener;
  }

  /** Is told what is held, before {@link #processes} returns. Not after {@link #start}. */
  public synchronized void whenHeld(Consumer<List<Member>> listener) {
    whenHeld = listener;
  }

  /**
   * Asks whether what is held is still held, can still be given its memory, and would wait for it
   * if this agent died.
   *
   * @throws LongshoreException CRIU_RESTORE_FAILED, or why it was given up, if not: it must not run
   */
  public void requireFillable() {
    if (processes.isCompletedExceptionally()) {
      var _ = processes();
    }
    synchronized (this) {
      throwIfBroken();
      requireHolding();
      if (keeper != null && !keeper.isHolding()) {
        throw new LongshoreException(
            Reason.CRIU_RESTORE_FAILED,
            "what keeps the workload's memory, process %d, has ended"
                .formatted(keeper.member().pid()));
      }
    }
  }

  /**
   * Lets the tree run.
   *
   * @return process id of its root
   * @throws LongshoreException CRIU_RESTORE_FAILED if it cannot be let run: none of it ever will,
   *     and {@link #abort} ends it; RAN_IN_PART if CRIU fails now, when some of it may have run
   */
  public int go() throws IOException, InterruptedException {
    CriuRestore held;
    int root;
    synchronized (this) {
      if (restore == null) {
        throw new IllegalStateException("nothing is held");
      }
      requireHolding();
      held = restore;
      root = rootPid;
      letGo = true;
    }
    held.go();
    try {
      if (held.awaitExit(RUNNING).isEmpty()) {
        log.warn("criu restore was let go and has not ended after {}", RUNNING);
      }
    } catch (CriuFailure e) {
      if (held.takeBack(processes())) {
        synchronized (this) {
          letGo = false;
        }
        throw failed(e);
      }
      throw new LongshoreException(
              Reason.RAN_IN_PART,
              "CRIU failed after the workload was let run: " + e.getMessage(),
              e)
          .withCriuLog(e.logLines());
    }
    return root;
  }

  /**
   * Waits until every page is installed.
   *
   * @throws IOException if what installs them has failed, or was given up; the workload was killed
   *     then, because it would read zeros or wait for ever
   */
  public void awaitFilled() throws IOException, InterruptedException {
    try {
      filled.get();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
    close();
  }

  /**
   * The source is gone. Waits as long as pages still go in; if some are missing then, they never
   * come: kills the workload, and {@link #awaitFilled} fails.
   *
   * @param quiet how long none must have gone in
   */
  public void giveUpUnlessFilled(Duration quiet) throws InterruptedException {
    long before = Long.MAX_VALUE;
    for (long lacked = pages.lackedPages();
        lacked < before || lacked == 0;
        lacked = pages.lackedPages()) {
      before = lacked;
      try {
        filled.get(quiet.toNanos(), TimeUnit.NANOSECONDS);
        return;
      } catch (TimeoutException e) {
        log.info("{} pages are missing, and the source is gone", pages.lackedPages());
      } catch (ExecutionException e) {
        return;
      }
    }
    ended(new IOException(before + " pages were on the source, which is gone"));
  }

  /** Demand faults so far. */
  public synchronized DemandFaults demandFaults() {
    return installer == null ? DemandFaults.NONE : installer.demandFaults();
  }

  /**
   * Ends everything; nothing of the tree will run. Not after {@link #go}, unless that said so. Can
   * be repeated.
   */
  public void abort() throws IOException, InterruptedException {
    CriuRestore restoring;
    synchronized (this) {
      aborted = true;
      restoring = restore;
    }
    if (restoring != null) {
      restoring.abort(ABORTED);
    }
    // Nothing that could read zeros is left.
    close();
    coming.remove();
  }

  /** What its runtime knows and does. */
  public Coming coming() {
    return coming;
  }

  /**
   * Kills what was let run, and all that descends from it. {@link #awaitFilled} fails, if it has
   * not returned. Can be repeated.
   */
  public void kill() throws IOException {
    settled.set(true);
    new ProcessFamily(processes()).kill(KILLED);
    IOException ended = new IOException("the workload was ended here");
    synchronized (this) {
      broken = ended;
    }
    filled.completeExceptionally(ended);
  }

  private synchronized PageInstaller startInstaller() throws IOException {
    throwIfAborted();
    LazyPagesSocket listening = LazyPagesSocket.listen(folder.work());
    socket = listening;
    Keeper holding = prepared();
    PageInstaller filling =
        PageInstaller.start(
            pages,
            demands,
            new TellingHolder(holding),
            MemoryLog.open(folder.work().resolve(MEMORY_LOG)));
    installer = filling;
    receiving =
        Thread.ofPlatform()
            .name("memory-receiver")
            .start(() -> receive(listening, filling, holding));
    var _ = filling.filled().whenComplete((nothing, failure) -> ended(failure));
    return filling;
  }

  @GuardedBy("this")
  private Keeper prepared() {
    if (keeper == null) {
      throw new IllegalStateException("nothing was prepared");
    }
    return keeper;
  }

  private synchronized CriuRestore startRestore(RestorePlace place) throws IOException {
    throwIfAborted();
    throwIfBroken();
    restore =
        CriuRestore.start(
            Objects.requireNonNull(criu),
            RestoreOptions.lazy(folder.images(), folder.work()).in(place));
    return restore;
  }

  private void receive(LazyPagesSocket from, PageInstaller filling, Keeper holding) {
    try {
      Optional<Word> word = from.next();
      while (word.isPresent()) {
        switch (word.get()) {
          case Word.Memory(int vpid, Userfaultfd memory) -> {
            filling.attach(vpid, memory);
            holding.confirm();
            if (filling.hasAllMemories()) {
              handedOver.complete(null);
            }
          }
          case Word.Zombie _, Word.RestoreFinished _ -> {}
        }
        word = from.next();
      }
    } catch (IOException | RuntimeException e) {
      ended(e);
    }
  }

  private void ended(@Nullable Throwable failure) {
    if (!settled.compareAndSet(false, true)) {
      return;
    }
    if (failure == null) {
      filled.complete(null);
      return;
    }
    boolean held;
    CriuRestore unfinished;
    Runnable listener;
    synchronized (this) {
      listener = whenBroken;
      broken = failure;
      held = !aborted && rootPid != 0;
      unfinished = aborted || held ? null : restore;
    }
    if (unfinished != null) {
      endUnfinished(unfinished);
    }
    if (held) {
      log.error(
          "The workload's memory cannot be filled; killing it: it would read zeros or wait for ever",
          failure);
      listener.run();
      try {
        new ProcessFamily(processes()).kill(KILLED);
      } catch (IOException | LongshoreException e) {
        // The keeper still has its memory: what lives on waits.
        log.error("The workload cannot be killed", e);
        failure.addSuppressed(e);
      }
    }
    handedOver.completeExceptionally(failure);
    filled.completeExceptionally(failure);
  }

  /** A restore that nobody can fill would wait for a page until its time is over. */
  private static void endUnfinished(CriuRestore restore) {
    try {
      restore.kill();
    } catch (IOException e) {
      log.error("criu restore cannot be killed; it ends when its time is over", e);
    }
  }

  private void lookAtProcesses(int root) {
    try {
      List<Member> found = ProcessFamily.below(root);
      Consumer<List<Member>> listener;
      synchronized (this) {
        listener = whenHeld;
      }
      listener.accept(found);
      processes.complete(found);
    } catch (IOException | RuntimeException e) {
      processes.completeExceptionally(e);
    }
  }

  /** All was sent before the restore was held, but perhaps not read yet. */
  private void awaitHandedOver(PageInstaller filling) throws InterruptedException {
    if (handedOver.isDone() || filling.expectsNoMemories()) {
      return;
    }
    try {
      handedOver.get(HANDED_OVER.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      // Told by requireFillable.
      log.debug("The memories were not taken over", e);
    } catch (TimeoutException e) {
      throw new LongshoreException(
          Reason.CRIU_RESTORE_FAILED,
          "CRIU did not hand over the memory of every process within " + HANDED_OVER,
          e);
    }
  }

  /** Before the keeper lets go, it is told that all is filled. */
  private final class TellingHolder implements MemoryHolder {
    private final Keeper holding;

    TellingHolder(Keeper holding) {
      this.holding = holding;
    }

    @Override
    public void hold(Userfaultfd memory) throws IOException {
      holding.hold(memory);
    }

    @Override
    public void release() {
      Runnable listener;
      synchronized (Restoration.this) {
        listener = whenFilled;
      }
      listener.run();
      holding.release();
    }
  }

  /**
   * Lets go of the memories, here and in the keeper. Only when all is filled or the processes are
   * dead. Can be repeated.
   */
  public void close() throws InterruptedException {
    LazyPagesSocket listening;
    PageInstaller filling;
    Thread receiver;
    Keeper holding;
    synchronized (this) {
      holding = keeper;
      listening = closed ? null : socket;
      filling = closed ? null : installer;
      receiver = receiving;
      closed = true;
    }
    if (listening != null) {
      listening.stop();
      if (receiver != null) {
        receiver.join();
      }
      listening.close();
    }
    if (filling != null) {
      filling.close();
    }
    if (holding != null) {
      holding.release();
    }
  }

  @GuardedBy("this")
  private void throwIfAborted() {
    if (aborted) {
      throw new LongshoreException(Reason.CANCELLED, "the migration was aborted");
    }
  }

  @GuardedBy("this")
  private void throwIfBroken() {
    if (broken != null) {
      throw new LongshoreException(
          broken instanceof LongshoreException why ? why.reason() : Reason.CRIU_RESTORE_FAILED,
          "the memory of what was restored cannot be filled: " + broken.getMessage(),
          broken);
    }
  }

  @GuardedBy("this")
  private void requireHolding() {
    if (rootPid != 0 && !letGo && restore != null && restore.exit().isDone()) {
      throw new LongshoreException(
          Reason.CRIU_RESTORE_FAILED,
          "criu restore, which holds what was restored, has ended: nobody could let it run");
    }
  }

  private synchronized LongshoreException failed(CriuFailure e) {
    if (aborted) {
      return new LongshoreException(Reason.CANCELLED, "the migration was aborted", e);
    }
    // Why CRIU was killed.
    throwIfBroken();
    return new LongshoreException(Reason.CRIU_RESTORE_FAILED, String.valueOf(e.getMessage()), e)
        .withCriuLog(e.logLines());
  }
}
