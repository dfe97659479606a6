package io.longshore.criu.run;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * A {@code criu lazy-pages}: it takes over the memory of a tree that is being restored and fetches
 * its pages from a page server. To be started before {@link CriuRestore}, with the same two
 * folders, once {@code pstree.img} is in place.
 *
 * <p>From the moment the tree runs until the exit with 0 the tree lives by this process: do not
 * kill it.
 */
public final class LazyPages {

  private final CriuProcess process;

  private LazyPages(CriuProcess process) {
    this.process = process;
  }

  /**
   * Starts the daemon.
   *
   * @param images the images of the dump
   * @param work where it meets the restore, in a socket
   * @param port of 127.0.0.1 where the pages are; connected to when the restore has handed over its
   *     memory
   */
  public static LazyPages start(Criu criu, Path images, Path work, int port) throws IOException {
    return new LazyPages(
        CriuProcess.startWithStatus(
            criu,
            "lazy-pages",
            CriuProcess.existing(work),
            List.of(
                "--images-dir",
                CriuProcess.existing(images).toString(),
                "-v" + CriuOptions.VERBOSITY,
                "--page-server",
                "--address",
                "127.0.0.1",
                "--port",
                Integer.toString(port)),
            Map.of()));
  }

  /**
   * Waits until a restore can begin.
   *
   * @throws CriuFailure if the daemon fails or takes too long, for which it is killed
   */
  public void awaitReady(Duration timeout) throws IOException, InterruptedException {
    process.awaitReady(timeout);
  }

  /** The exit status: 0 when every page is installed, anything else when the tree is lost. */
  public CompletableFuture<Integer> exit() {
    return process.exit();
  }

  /** Why it failed, after it exited with anything but 0. */
  public CriuFailure failure() {
    return process.failed("ended before every page was installed");
  }

  /** Kills it; a tree that still lacks pages is lost. */
  public void kill() throws IOException {
    process.kill();
  }
}
