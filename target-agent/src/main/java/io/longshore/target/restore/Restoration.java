package io.longshore.target.restore;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFailure;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.LazyPagesSocket;
import io.longshore.criu.run.LazyPagesSocket.Word;
import io.longshore.criu.run.RestoreOptions;
import io.longshore.linux.Userfaultfd;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.Demands;
import io.longshore.target.pages.PageInstaller;
import io.longshore.target.pages.PageStore;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One workload being restored: {@code criu restore}, held before anything runs, and the installer
 * that takes over the memory of its processes and fills it.
 *
 * <p>{@link #start}, then {@link #go} and {@link #awaitFilled}, or {@link #abort}. Thread-safe.
 */
public final class Restoration {
  private static final Logger log = LoggerFactory.getLogger(Restoration.class);
  private static final Duration HELD = Duration.ofMinutes(2);
  private static final Duration RUNNING = Duration.ofSeconds(30);
  private static final Duration ABORTED = Duration.ofSeconds(5);

  private final Criu criu;
  private final CriuFolder folder;
  private final PageStore pages;
  private final Demands demands;
  private final CompletableFuture<Void> filled = new CompletableFuture<>();

  @GuardedBy("this")
  private boolean aborted;

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

  /**
   * @param folder has all images when {@link #start} is called
   * @param pages knows by then which pages will come
   */
  public Restoration(Criu criu, CriuFolder folder, PageStore pages, Demands demands) {
    this.criu = criu;
    this.folder = folder;
    this.pages = pages;
    this.demands = demands;
  }

  /**
   * Restores and holds. From when it returns pages go straight into the held processes.
   *
   * @throws LongshoreException CRIU_RESTORE_FAILED with CRIU's words; CANCELLED if aborted
   *     meanwhile; nothing of the tree is left then
   */
  public void start() throws IOException, InterruptedException {
    try {
      PageInstaller filling = startInstaller();
      int root = startRestore().awaitHeld(HELD);
      synchronized (this) {
        rootPid = root;
      }
      filling.open();
      requireFillable();
    } catch (CriuFailure e) {
      throw failed(e);
    }
  }

  /**
   * Asks whether what is held can still be given its memory.
   *
   * @throws LongshoreException CRIU_RESTORE_FAILED if not: it must not run
   */
  public void requireFillable() {
    if (filled.isCompletedExceptionally()) {
      throw new LongshoreException(
          Reason.CRIU_RESTORE_FAILED,
          "the memory of what was restored cannot be filled: " + filled.exceptionNow().getMessage(),
          filled.exceptionNow());
    }
  }

  /**
   * Lets the tree run.
   *
   * @return process id of its root
   * @throws LongshoreException WORKLOAD_LOST if CRIU fails now
   */
  public int go() throws IOException, InterruptedException {
    CriuRestore held;
    int root;
    synchronized (this) {
      if (restore == null) {
        throw new IllegalStateException("nothing is held");
      }
      held = restore;
      root = rootPid;
    }
    held.go();
    try {
      if (held.awaitExit(RUNNING).isEmpty()) {
        log.warn("criu restore was let go and has not ended after {}", RUNNING);
      }
    } catch (CriuFailure e) {
      throw new LongshoreException(
              Reason.WORKLOAD_LOST,
              "CRIU failed after the workload was let run: " + e.getMessage(),
              e)
          .withCriuLog(e.logLines());
    }
    return root;
  }

  /**
   * Waits until every page is installed.
   *
   * @throws IOException if what installs them has failed; the workload was killed then, because it
   *     would read zeros
   */
  public void awaitFilled() throws IOException, InterruptedException {
    try {
      filled.get();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
    closeMemories();
  }

  /** Demand faults so far. */
  public synchronized long demandFaults() {
    return installer == null ? 0 : installer.demandFaults();
  }

  /** Ends everything; nothing of the tree will run. Not after {@link #go}. */
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
    closeMemories();
  }

  private synchronized PageInstaller startInstaller() throws IOException {
    throwIfAborted();
    LazyPagesSocket listening = LazyPagesSocket.listen(folder.work());
    socket = listening;
    PageInstaller filling = new PageInstaller(pages, demands);
    installer = filling;
    receiving =
        Thread.ofPlatform().name("memory-receiver").start(() -> receive(listening, filling));
    var _ = filling.filled().whenComplete((nothing, failure) -> ended(failure));
    return filling;
  }

  private synchronized CriuRestore startRestore() throws IOException {
    throwIfAborted();
    restore = CriuRestore.start(criu, RestoreOptions.lazy(folder.images(), folder.work()));
    return restore;
  }

  private void receive(LazyPagesSocket from, PageInstaller filling) {
    try {
      Optional<Word> word = from.next();
      while (word.isPresent()) {
        switch (word.get()) {
          case Word.Memory(int vpid, Userfaultfd memory) -> filling.attach(vpid, memory);
          case Word.Zombie _, Word.RestoreFinished _ -> {}
        }
        word = from.next();
      }
    } catch (IOException | RuntimeException e) {
      ended(e);
    }
  }

  private void ended(@Nullable Throwable failure) {
    if (failure == null) {
      filled.complete(null);
      return;
    }
    int root;
    synchronized (this) {
      root = aborted ? 0 : rootPid;
    }
    if (root != 0) {
      log.error("The workload's memory cannot be filled; killing it: it would read zeros", failure);
      ProcessHandle.of(root)
          .ifPresent(
              tree -> {
                tree.descendants().forEach(ProcessHandle::destroyForcibly);
                tree.destroyForcibly();
              });
    }
    filled.completeExceptionally(failure);
  }

  private void closeMemories() throws InterruptedException {
    LazyPagesSocket listening;
    PageInstaller filling;
    Thread receiver;
    synchronized (this) {
      listening = socket;
      filling = installer;
      receiver = receiving;
      socket = null;
    }
    if (listening != null && filling != null && receiver != null) {
      listening.stop();
      receiver.join();
      listening.close();
      filling.close();
    }
  }

  @GuardedBy("this")
  private void throwIfAborted() {
    if (aborted) {
      throw new LongshoreException(Reason.CANCELLED, "the migration was aborted");
    }
  }

  private synchronized LongshoreException failed(CriuFailure e) {
    if (aborted) {
      return new LongshoreException(Reason.CANCELLED, "the migration was aborted", e);
    }
    return new LongshoreException(Reason.CRIU_RESTORE_FAILED, String.valueOf(e.getMessage()), e)
        .withCriuLog(e.logLines());
  }
}
