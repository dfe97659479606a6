package io.longshore.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a process tree less time of the processors, by a limit of its cgroup: Linux's
 * Documentation/scheduler/sched-bwc.rst, admin-guide/cgroup-v2.rst. Limits of the cgroups above
 * hold as before.
 *
 * <p>With version 1 of cgroups that is a cgroup {@code longshore-throttle-NAME} of its own below
 * the one that the tree is in; with version 2 it is the one that the tree is in, which must be its
 * own. A small process (throttle.c) sets the limit, and lifts it and moves the tree back when this
 * is closed or this process ends, however it does.
 *
 * <p>Thread-safe.
 */
public final class CpuThrottle implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CpuThrottle.class);
  private static final String PREFIX = "longshore-throttle-";
  private static final String PROGRAM = "throttle";
  private static final String DONE = "ok";
  private static final Duration LIFTED = Duration.ofSeconds(15);

  /** As short as may be, so that what waits for its time does not stand still for long. */
  private static final long SHORTEST_PERIOD_MICROS = 20_000;

  private static final long LONGEST_PERIOD_MICROS = 1_000_000;

  /** The least that the kernel takes. */
  private static final long LEAST_MICROS = 1_000;

  private final HelperProgram program;

  private record Into(CgroupHierarchy hierarchy, Path cgroup) implements CgroupMoves.Move {
    @Override
    public boolean isThere(int pid) throws IOException {
      return hierarchy.cgroupOf(pid).equals(cgroup);
    }

    @Override
    public void move(int pid) throws IOException {
      boolean _ = CgroupFiles.move(pid, cgroup);
    }

    @Override
    public String toString() {
      return cgroup.toString();
    }
  }

  private CpuThrottle(HelperProgram program) {
    this.program = program;
  }

  /**
   * Takes a tree in; it is not limited yet.
   *
   * @param folder where programs can be run; nothing stays in it
   * @param root of the tree
   * @throws IOException if it cannot be limited; it is as it was
   */
  public static CpuThrottle start(Path folder, String name, int root) throws IOException {
    CgroupHierarchy hierarchy =
        CgroupHierarchy.forProcessors()
            .orElseThrow(
                () ->
                    new IOException(
                        "neither the controller cpu of cgroup v1 nor cgroup v2 is mounted, see /proc/self/mountinfo"));
    Path cgroup = common(hierarchy, root);
    if (hierarchy.version() == CgroupHierarchy.Version.V2) {
      if (!Files.exists(cgroup.resolve("cpu.max"))) {
        throw new IOException(
            "the controller cpu is not on for %s: switch it on in cgroup.subtree_control above it"
                .formatted(cgroup));
      }
      return new CpuThrottle(HelperProgram.start(folder, PROGRAM, cgroup.toString(), "found"));
    }
    Path own = cgroup.resolve(PREFIX + name);
    Files.createDirectories(own);
    CpuThrottle throttle;
    try {
      // Before anybody is moved: from here on it ends well whatever comes.
      throttle = new CpuThrottle(HelperProgram.start(folder, PROGRAM, own.toString(), "own"));
    } catch (IOException e) {
      Files.deleteIfExists(own);
      throw e;
    }
    boolean moved = false;
    try {
      CgroupMoves.moveTree(root, new Into(hierarchy, own));
      moved = true;
      return throttle;
    } finally {
      if (!moved) {
        throttle.close();
      }
    }
  }

  /** The cgroup in which all of a tree is. */
  private static Path common(CgroupHierarchy hierarchy, int root) throws IOException {
    Set<Path> cgroups = new HashSet<>();
    for (Task task : ProcessTree.of(root).tasks()) {
      try {
        if (task.alive()) {
          cgroups.add(hierarchy.cgroupOf(task.pid()));
        }
      } catch (NoSuchFileException e) {
        // Ended since.
      }
    }
    if (cgroups.size() != 1) {
      throw new IOException("the processes below %d are in %s".formatted(root, cgroups));
    }
    return cgroups.iterator().next();
  }

  /** Names of throttles that are there; what is here without a migration is left over. */
  public static List<String> names() throws IOException {
    return folders().stream().map(path -> name(path).substring(PREFIX.length())).toList();
  }

  /**
   * Ends what is left of one, by whomever it was made.
   *
   * @param folder where programs can be run; nothing stays in it
   */
  public static void endLeft(Path folder, String name) throws IOException {
    for (Path left : folders()) {
      if (name(left).equals(PREFIX + name)) {
        new CpuThrottle(HelperProgram.start(folder, PROGRAM, left.toString(), "own")).close();
      }
    }
  }

  private static List<Path> folders() throws IOException {
    Optional<CgroupHierarchy> hierarchy = CgroupHierarchy.forProcessors();
    return hierarchy.isEmpty()
        ? List.of()
        : hierarchy.get().find(path -> name(path).startsWith(PREFIX));
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  /**
   * Limits the tree.
   *
   * @param processors as many as it may use, such as 0.5; at least 0.001
   */
  public void limit(double processors) throws IOException {
    long period =
        Math.clamp(
            Math.round(LEAST_MICROS / processors), SHORTEST_PERIOD_MICROS, LONGEST_PERIOD_MICROS);
    order(Math.max(LEAST_MICROS, Math.round(processors * period)) + " " + period);
  }

  /** Gives all time back at once. */
  public void lift() throws IOException {
    order("lift");
  }

  private void order(String order) throws IOException {
    String answer = program.ask(order);
    if (!answer.equals(DONE)) {
      throw new IOException("processor time cannot be limited: " + answer);
    }
  }

  /** Its process. */
  long pid() {
    return program.pid();
  }

  /** Gives all time back, and waits until that is so. Again does nothing. */
  @Override
  public void close() {
    program.close();
    if (!program.awaitEnd(LIFTED)) {
      log.warn("The limit of processor time is not lifted after {}", LIFTED);
    }
  }
}
