package io.longshore.target.files;

import io.longshore.agent.files.Complaints;
import io.longshore.agent.files.ConfinedProgram;
import io.longshore.agent.files.ConfinedProgram.View;
import io.longshore.agent.files.Rsync;
import io.longshore.agent.files.Selection;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A receiving rsync that works on one destination and sees nothing else of this host. Whoever has
 * the other end is not trusted: that end can put there what it likes, until the file system has no
 * more than is to be left free, and nothing anywhere else.
 */
public final class FileSession implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FileSession.class);
  private static final long LOOK_MILLIS = 50;

  /** rsync(1): some files could not be transferred, or vanished; the sender is told which. */
  private static final List<Integer> IN_ORDER = List.of(0, 23, 24);

  private final Path path;
  private final Process process;
  private final Complaints complaints;
  private final FileStore store;
  private volatile boolean full;

  FileSession(ConfinedProgram confined, StagedTree tree, TreeLock lock, Selection selection)
      throws IOException {
    path = tree.path();
    store = Files.getFileStore(path);
    process =
        ConfinedProgram.start(
            confined.command(View.toChange(path, lock.path()), Rsync.receiver(selection)));
    complaints = new Complaints(process.getErrorStream(), line -> true);
    Thread.ofVirtual().name("disk-watch").start(this::watch);
  }

  /** What the other end says goes here; closed when it says no more. */
  public OutputStream toProgram() {
    return process.getOutputStream();
  }

  /** What the other end is to be told, until its end. */
  public InputStream fromProgram() {
    return process.getInputStream();
  }

  /**
   * Waits until it has ended.
   *
   * @throws LongshoreException DISK_FULL; FILES_FAILED with its words
   */
  public void awaitEnd() throws InterruptedException {
    int status = process.waitFor();
    List<String> words = complaints.await();
    if (full || (status != 0 && isFull())) {
      throw new LongshoreException(
          Reason.DISK_FULL,
          "the target's %s became full while files came to %s".formatted(store.name(), path));
    }
    if (!IN_ORDER.contains(status)) {
      throw new LongshoreException(
          Reason.FILES_FAILED,
          "rsync on the target ended with %d while files came to %s: %s"
              .formatted(status, path, String.join("; ", words)));
    }
    if (!words.isEmpty()) {
      log.warn("rsync says of {}: {}", path, words);
    }
  }

  /** Ends it at once, and returns when it changes nothing any more. */
  @Override
  public void close() {
    process.destroyForcibly();
    boolean interrupted = false;
    while (process.isAlive()) {
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void watch() {
    try {
      while (!process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        if (isFull()) {
          full = true;
          process.destroyForcibly();
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isFull() {
    try {
      return store.getUsableSpace() < Destinations.left(store);
    } catch (IOException e) {
      log.warn("Cannot see how much of {} is free", store, e);
      return false;
    }
  }
}
