package io.longshore.source.files;

import io.longshore.agent.files.ConfinedProgram;
import io.longshore.agent.files.Rsync;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.source.files.WrittenFiles.Moment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies one tree to the target: in passes while the workload runs, and a last one while nothing of
 * it does. After that the target has the tree as it is.
 *
 * <p>A pass first compares by content what was written since the pass before began, then looks at
 * the whole tree by sizes and times. One thread at a time; an interrupt ends the pass.
 */
public final class FilePasses {
  private static final Logger log = LoggerFactory.getLogger(FilePasses.class);

  private final FileTree tree;
  private final FileLink link;
  private final ConfinedProgram confined;
  private final Path folder;
  private final SendingRsync rsync;
  private final List<FilePass> passes = new ArrayList<>();

  /** When the last pass that was complete began. */
  private @Nullable Moment copiedAt;

  /**
   * When the passes before the freeze end.
   *
   * @param shortEnough a pass that took less is the last of them
   * @param shrinks as is one that took more than this share of the one before
   * @param most as many at most
   */
  public record Limits(Duration shortEnough, double shrinks, int most) {
    /** What suits most. */
    public static final Limits USUAL = new Limits(Duration.ofMillis(300), 0.8, 6);

    /** Whether there is to be another pass. */
    boolean isAnotherWorthIt(List<FilePass> done) {
      if (done.isEmpty()) {
        return true;
      }
      Duration last = done.getLast().duration();
      if (done.size() >= most || last.compareTo(shortEnough) < 0) {
        return false;
      }
      // The first copies all, so that nothing is told by how much shorter the second is.
      return done.size() < 3
          || last.toNanos() < shrinks * done.get(done.size() - 2).duration().toNanos();
    }
  }

  /**
   * None yet.
   *
   * @param folder of the migration's own, for what a pass writes down; only the agent can enter it
   */
  public FilePasses(FileTree tree, FileLink link, ConfinedProgram confined, Path folder) {
    this.tree = tree;
    this.link = link;
    this.confined = confined;
    this.folder = folder;
    this.rsync = new SendingRsync(tree, confined, folder);
  }

  /**
   * Copies while the workload runs, until the rest is small or does not get smaller.
   *
   * @param processes of the workload
   * @return all passes so far
   * @throws LongshoreException RSYNC_MISSING, FILES_FAILED, DISK_FULL, TRANSFER_BROKEN, or what the
   *     target refused it with
   */
  public List<FilePass> copyWhileRunning(Limits limits, Collection<Integer> processes)
      throws InterruptedException {
    Rsync.require();
    while (limits.isAnotherWorthIt(passes)) {
      pass(true, processes);
    }
    return List.copyOf(passes);
  }

  /**
   * Copies the rest. While it does, nothing may change the tree.
   *
   * @param processes of the workload
   * @throws LongshoreException as above
   */
  public FilePass copyFrozen(Collection<Integer> processes) throws InterruptedException {
    return pass(false, processes);
  }

  /** How long the last pass will take, as far as is known: as long as the one before it. */
  public Optional<Duration> expectedRest() {
    return passes.isEmpty() ? Optional.empty() : Optional.of(passes.getLast().duration());
  }

  private FilePass pass(boolean running, Collection<Integer> processes)
      throws InterruptedException {
    Moment begin = Moment.now();
    try {
      FilePass pass = pass(running, processes, begin);
      copiedAt = begin;
      passes.add(pass);
      log.info("{}: pass {} {}", tree, passes.size(), pass);
      return pass;
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.FILES_FAILED, "the files in %s could not be copied: %s".formatted(tree, e), e);
    }
  }

  private FilePass pass(boolean running, Collection<Integer> processes, Moment begin)
      throws IOException, InterruptedException {
    long bytes = 0;
    long files = 0;
    long compared = 0;
    Moment before = copiedAt;
    if (before != null) {
      Path names = folder.resolve("written-" + tree.number());
      try {
        Set<Long> mapped = WrittenFiles.mapped(processes);
        compared = WrittenFiles.list(tree, before, mapped, running, confined, names);
        if (compared > 0) {
          SendingRsync.Done chosen = rsync.run(link, Optional.of(names), running, false);
          bytes += chosen.bytes();
          files += chosen.files();
        }
      } finally {
        Files.deleteIfExists(names);
      }
    }
    SendingRsync.Done whole = rsync.run(link, Optional.empty(), running, running && before == null);
    return new FilePass(
        Duration.ofNanos(System.nanoTime() - begin.nanos()),
        bytes + whole.bytes(),
        files + whole.files(),
        compared);
  }
}
