package io.longshore.target.restore;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.criu.pageserver.PageServer;
import io.longshore.criu.pageserver.PageServerConnection;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFailure;
import io.longshore.criu.run.CriuFolder;
import io.longshore.criu.run.CriuRestore;
import io.longshore.criu.run.LazyPages;
import io.longshore.criu.run.RestoreOptions;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.target.pages.PageSource;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One workload being restored: {@code criu restore}, held before anything runs; {@code criu
 * lazy-pages}, which fills its memory; and the page source that answers it.
 *
 * <p>{@link #start}, then {@link #go} and {@link #awaitFilled}, or {@link #abort}. Thread-safe.
 */
public final class Restoration {
  private static final Logger log = LoggerFactory.getLogger(Restoration.class);
  private static final Duration READY = Duration.ofSeconds(20);
  private static final Duration HELD = Duration.ofMinutes(2);
  private static final Duration RUNNING = Duration.ofSeconds(30);
  private static final Duration ABORTED = Duration.ofSeconds(5);

  private final Criu criu;
  private final CriuFolder folder;
  private final PageSource pageSource;
  private final CompletableFuture<Void> filled = new CompletableFuture<>();

  @GuardedBy("this")
  private boolean aborted;

  @GuardedBy("this")
  private @Nullable PageServer server;

  @GuardedBy("this")
  private @Nullable LazyPages lazyPages;

  @GuardedBy("this")
  private @Nullable CriuRestore restore;

  @GuardedBy("this")
  private @Nullable Thread answering;

  @GuardedBy("this")
  private int rootPid;

  /**
   * @param folder has all images when {@link #start} is called
   */
  public Restoration(Criu criu, CriuFolder folder, PageSource pageSource) {
    this.criu = criu;
    this.folder = folder;
    this.pageSource = pageSource;
  }

  /**
   * Restores and holds.
   *
   * @throws LongshoreException CRIU_RESTORE_FAILED with CRIU's words; CANCELLED if aborted
   *     meanwhile; nothing of the tree is left then
   */
  public void start() throws IOException, InterruptedException {
    try {
      startLazyPages().awaitReady(READY);
      int root = startRestore().awaitHeld(HELD);
      synchronized (this) {
        rootPid = root;
      }
    } catch (CriuFailure e) {
      throw failed(e);
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
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IOException(e.getCause());
    }
  }

  /** Demand faults so far. */
  public long demandFaults() {
    return pageSource.demandFaults();
  }

  /** Ends everything; nothing of the tree will run. Not after {@link #go}. */
  public void abort() throws IOException, InterruptedException {
    PageServer listening;
    LazyPages filling;
    CriuRestore restoring;
    Thread answers;
    synchronized (this) {
      aborted = true;
      answers = answering;
      listening = server;
      filling = lazyPages;
      restoring = restore;
    }
    if (restoring != null) {
      restoring.abort(ABORTED);
    }
    if (filling != null) {
      filling.kill();
    }
    if (listening != null) {
      listening.close();
    }
    if (answers != null) {
      // It reads the page store, which is closed next, and may wait for a page that never comes.
      answers.interrupt();
      answers.join();
    }
  }

  private synchronized LazyPages startLazyPages() throws IOException {
    throwIfAborted();
    server = PageServer.listen(criu.headerLayout());
    PageServer listening = server;
    lazyPages = LazyPages.start(criu, folder.images(), folder.work(), listening.port());
    answering = Thread.ofVirtual().name("page-source").start(() -> serve(listening));
    LazyPages daemon = lazyPages;
    var _ = daemon.exit().thenAccept(status -> ended(daemon, status));
    return daemon;
  }

  private synchronized CriuRestore startRestore() throws IOException {
    throwIfAborted();
    restore = CriuRestore.start(criu, RestoreOptions.lazy(folder.images(), folder.work()));
    return restore;
  }

  private void serve(PageServer listening) {
    try (PageServerConnection connection = listening.accept()) {
      pageSource.serve(connection);
    } catch (IOException | RuntimeException e) {
      // The daemon's exit status says whether this matters.
      log.debug("The page source ended", e);
      filled.completeExceptionally(new IOException("the page source ended: " + e, e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void ended(LazyPages daemon, int status) {
    if (status == 0) {
      filled.complete(null);
      return;
    }
    int root;
    synchronized (this) {
      root = aborted ? 0 : rootPid;
      if (answering != null) {
        // Nobody asks any more; it may still wait for a page.
        answering.interrupt();
      }
    }
    if (root != 0) {
      log.error(
          "criu lazy-pages ended with {}; killing the workload, which would read zeros", status);
      ProcessHandle.of(root)
          .ifPresent(
              tree -> {
                tree.descendants().forEach(ProcessHandle::destroyForcibly);
                tree.destroyForcibly();
              });
    }
    filled.completeExceptionally(daemon.failure());
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
