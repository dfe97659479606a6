package io.longshore.criu.run;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * What to dump, and how.
 *
 * @param pid root of the tree
 * @param images existing folder for the images; CRIU writes nothing else into it
 * @param work existing folder for the log, statistics and barriers; one CRIU at a time
 * @param port of 127.0.0.1 for CRIU's page server; empty for a free one
 * @param barrier whether CRIU is held before it does anything, see {@link Barrier.Action#PRE_DUMP}
 * @param hidePages whether CRIU leaves alone what the agents move anyway, see {@link HiddenPages}
 * @param verbosity of the log, 0 to 4
 * @param extra further options of {@code criu dump}, one argument each
 */
public record DumpOptions(
    int pid,
    Path images,
    Path work,
    OptionalInt port,
    boolean barrier,
    boolean hidePages,
    int verbosity,
    List<String> extra) {

  /**
   * Deleted files that are still open travel inside the images up to this size; CRIU's own default
   * is 1 MiB.
   */
  private static final String GHOST_LIMIT = "64M";

  /** Refuses what CRIU would misunderstand. */
  public DumpOptions {
    if (pid <= 1) {
      throw new IllegalArgumentException("cannot dump the process " + pid);
    }
    images = CriuProcess.existing(images);
    work = CriuProcess.existing(work);
    if (images.equals(work)) {
      throw new IllegalArgumentException("images and work must be two folders, not one: " + work);
    }
    extra = CriuOptions.checked(extra);
    verbosity = CriuOptions.checkedVerbosity(verbosity);
  }

  /** The usual: a free port, no barrier, informative log. */
  public static DumpOptions of(int pid, Path images, Path work) {
    return new DumpOptions(
        pid, images, work, OptionalInt.empty(), false, false, CriuOptions.VERBOSITY, List.of());
  }

  /** The same, with CRIU held at {@link Barrier.Action#PRE_DUMP}. */
  public DumpOptions withBarrier() {
    return new DumpOptions(pid, images, work, port, true, hidePages, verbosity, extra);
  }

  /** The same, with long runs of pages hidden from CRIU. */
  public DumpOptions withHiddenPages() {
    return new DumpOptions(pid, images, work, port, barrier, true, verbosity, extra);
  }

  /** The same, with a port for CRIU's page server. */
  public DumpOptions withPort(int chosen) {
    return new DumpOptions(
        pid, images, work, OptionalInt.of(chosen), barrier, hidePages, verbosity, extra);
  }

  /** The same, with another verbosity. */
  public DumpOptions withVerbosity(int level) {
    return new DumpOptions(pid, images, work, port, barrier, hidePages, level, extra);
  }

  /** The same, with further options. */
  public DumpOptions withExtra(List<String> options) {
    return new DumpOptions(pid, images, work, port, barrier, hidePages, verbosity, options);
  }

  /**
   * The arguments, but for those of the page server.
   *
   * <p>Network locking is the agent's: CRIU would leave its own behind when a lazy dump fails.
   * Control groups are the agent's too. File locks and unix sockets to services of the host are
   * what ordinary daemons have. Not set: {@code --link-remap}, which leaves files behind when a
   * lazy dump fails, {@code --skip-in-flight}, which silently loses connections, and {@code
   * --shell-job}, because a tree whose session leader stays behind does not survive the move.
   */
  List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("--tree", Integer.toString(pid)));
    arguments.addAll(List.of("--images-dir", images.toString()));
    arguments.add("-v" + verbosity);
    arguments.add("--leave-stopped");
    arguments.add("--tcp-established");
    arguments.addAll(List.of("--network-lock", "skip"));
    arguments.add("--manage-cgroups=ignore");
    arguments.add("--file-locks");
    arguments.add("--ext-unix-sk");
    arguments.addAll(List.of("--ghost-limit", GHOST_LIMIT));
    arguments.addAll(extra);
    return arguments;
  }
}
