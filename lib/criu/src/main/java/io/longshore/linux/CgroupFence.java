package io.longshore.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;

/**
 * Keeps a process tree from running: cgroups of its own that are frozen and thawed as one.
 *
 * <p>Below each cgroup the tree's processes are in, a cgroup {@code longshore-NAME} is made and the
 * processes are moved there; what they fork later is born there. While it is frozen nothing in it
 * runs, whoever else stops, continues or traces it: if CRIU dies while it holds the tree, the tree
 * stays still (criu-facts 5.6). The kernel keeps it, so it outlives the agent; {@link #attach}
 * takes it up again.
 *
 * <p>All methods may be repeated and called from any thread.
 */
public final class CgroupFence {
  private static final String PREFIX = "longshore-";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,99}");
  private static final Duration REMOVAL_LIMIT = Duration.ofSeconds(2);
  private static final Duration EXIT_CHECK = Duration.ofMillis(20);

  private final CgroupHierarchy hierarchy;
  private final String name;
  private final Map<Path, FenceCgroup> cgroups = new LinkedHashMap<>();

  private CgroupFence(CgroupHierarchy hierarchy, String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "a fence's name has up to 100 letters, digits, '_', '.', '-', not: " + name);
    }
    this.hierarchy = hierarchy;
    this.name = name;
  }

  /** As the other, in {@link CgroupHierarchy#forFreezing}. */
  public static CgroupFence create(String name, Collection<Integer> roots) throws IOException {
    return create(CgroupHierarchy.forFreezing(), name, roots);
  }

  /**
   * Puts the trees below {@code roots} into a fence that lets them run. If it exists already, its
   * members stay in it. On failure all are back where they were.
   *
   * @throws NoSuchFileException if a root has ended
   */
  public static CgroupFence create(
      CgroupHierarchy hierarchy, String name, Collection<Integer> roots) throws IOException {
    CgroupFence fence = attach(hierarchy, name).orElseGet(() -> new CgroupFence(hierarchy, name));
    boolean found = !fence.cgroups.isEmpty();
    try {
      for (int root : roots) {
        fence.adopt(root);
      }
      return fence;
    } catch (IOException | RuntimeException e) {
      if (!found) {
        try {
          fence.dissolve();
        } catch (IOException undo) {
          e.addSuppressed(undo);
        }
      }
      throw e;
    }
  }

  /** The fence that an earlier process made, if there is anything of it. */
  public static Optional<CgroupFence> attach(CgroupHierarchy hierarchy, String name)
      throws IOException {
    CgroupFence fence = new CgroupFence(hierarchy, name);
    for (Path folder : hierarchy.find(path -> path.endsWith(PREFIX + name))) {
      fence.cgroups.put(folder, FenceCgroup.of(hierarchy, folder));
    }
    return fence.cgroups.isEmpty() ? Optional.empty() : Optional.of(fence);
  }

  /**
   * Names of all fences in the hierarchy, sorted; what is here without a migration is left over.
   */
  public static List<String> names(CgroupHierarchy hierarchy) throws IOException {
    TreeSet<String> names = new TreeSet<>();
    for (Path folder : hierarchy.find(path -> lastName(path).startsWith(PREFIX))) {
      names.add(lastName(folder).substring(PREFIX.length()));
    }
    return List.copyOf(names);
  }

  /**
   * Name of the fence that a process is in.
   *
   * @throws NoSuchFileException if it has ended
   */
  public static Optional<String> holding(CgroupHierarchy hierarchy, int pid) throws IOException {
    String last = lastName(Path.of(hierarchy.pathInHierarchy(pid)));
    // A unit of Longshore itself, "longshore-source-agent.service", is no fence.
    return last.matches(PREFIX + "[a-z0-9][a-z0-9-]*")
        ? Optional.of(last.substring(PREFIX.length()))
        : Optional.empty();
  }

  private static String lastName(Path path) {
    return String.valueOf(path.getFileName());
  }

  /** The name it was made with. */
  public String name() {
    return name;
  }

  /**
   * Takes in {@code root} and its descendants. If the fence is frozen they freeze too.
   *
   * @throws NoSuchFileException if the root has ended
   */
  public synchronized void adopt(int root) throws IOException {
    CgroupMoves.moveTree(
        root,
        new CgroupMoves.Move() {
          @Override
          public boolean isThere(int pid) throws IOException {
            return hierarchy.pathInHierarchy(pid).endsWith("/" + PREFIX + name);
          }

          @Override
          public void move(int pid) throws IOException {
            adoptOne(pid);
          }

          @Override
          public String toString() {
            return CgroupFence.this.toString();
          }
        });
  }

  private synchronized void adoptOne(int pid) throws IOException {
    cgroupBelow(hierarchy.cgroupOf(pid)).add(pid);
  }

  private interface Adder {
    void add(int pid) throws IOException;
  }

  private Adder cgroupBelow(Path parent) throws IOException {
    Path folder = parent.resolve(PREFIX + name);
    if (!cgroups.containsKey(folder)) {
      boolean frozen = freezeRequested();
      Files.createDirectories(folder);
      FenceCgroup cgroup = FenceCgroup.of(hierarchy, folder);
      cgroups.put(folder, cgroup);
      if (frozen) {
        cgroup.requestFreeze();
      }
    }
    return pid -> {
      boolean _ = CgroupFiles.move(pid, folder);
    };
  }

  /** Pids of all members. */
  public synchronized List<Integer> processes() throws IOException {
    List<Integer> pids = new ArrayList<>();
    for (FenceCgroup cgroup : cgroups.values()) {
      pids.addAll(cgroup.processes());
    }
    return pids;
  }

  /** Whether freezing was asked for and not taken back. */
  public synchronized boolean freezeRequested() throws IOException {
    for (FenceCgroup cgroup : cgroups.values()) {
      if (cgroup.freezeRequested()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Freezes all members. When it returns, none of them runs; stopped and traced ones count as
   * frozen, and stay so if they are continued or their tracer dies.
   *
   * @throws IOException if they are not frozen in time; then they are thawed again
   */
  public synchronized void freeze(Duration timeout) throws IOException {
    long deadline = System.nanoTime() + Durations.nanoseconds(timeout);
    try {
      for (FenceCgroup cgroup : cgroups.values()) {
        cgroup.requestFreeze();
      }
      for (FenceCgroup cgroup : cgroups.values()) {
        Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
        if (!cgroup.awaitFrozen(left)) {
          throw new IOException(
              "processes %s in %s did not freeze within %s; one may be in an uninterruptible wait"
                  .formatted(cgroup.processes(), cgroup.folder(), timeout));
        }
      }
    } catch (IOException | RuntimeException e) {
      try {
        thaw();
      } catch (IOException undo) {
        e.addSuppressed(undo);
      }
      throw e;
    }
  }

  /** Lets all members run, as far as nothing else holds them. */
  public synchronized void thaw() throws IOException {
    for (FenceCgroup cgroup : cgroups.values()) {
      cgroup.thaw();
    }
  }

  /**
   * Ends all members with SIGKILL and waits until they have ended. Frozen members run no
   * instruction of their own before they die.
   *
   * @throws IOException if some live on when the time is over
   */
  public synchronized void kill(Duration timeout) throws IOException {
    long deadline = System.nanoTime() + Durations.nanoseconds(timeout);
    while (true) {
      List<Pidfd> members = new ArrayList<>();
      try {
        for (FenceCgroup cgroup : cgroups.values()) {
          killMembers(cgroup, members);
          cgroup.thaw(); // version 1 delivers the signal only then
        }
        boolean ended = true;
        for (Pidfd member : members) {
          long left = Math.max(0, deadline - System.nanoTime());
          ended &= member.awaitExit(Duration.ofNanos(Math.min(left, EXIT_CHECK.toNanos())));
        }
        if (ended && processes().isEmpty()) {
          return;
        }
      } finally {
        members.forEach(Pidfd::close);
      }
      if (System.nanoTime() - deadline >= 0) {
        throw new IOException(
            "processes %s of fence %s live on %s after SIGKILL"
                .formatted(processes(), name, timeout));
      }
    }
  }

  private static void killMembers(FenceCgroup cgroup, List<Pidfd> members) throws IOException {
    List<Pidfd> here = new ArrayList<>();
    for (int pid : cgroup.processes()) {
      try {
        here.add(Pidfd.open(pid));
      } catch (SystemCallException e) {
        ignoreIfEnded(e);
      }
    }
    members.addAll(here);
    if (cgroup.killAll()) {
      return;
    }
    for (Pidfd member : here) {
      try {
        member.signal(Pidfd.SIGKILL);
      } catch (SystemCallException e) {
        ignoreIfEnded(e);
      }
    }
  }

  private static void ignoreIfEnded(SystemCallException e) throws SystemCallException {
    if (e.errno() != Errno.ESRCH) {
      throw e;
    }
  }

  /**
   * Moves the members back to the cgroups above and removes the fence.
   *
   * @throws IllegalStateException if there are frozen members, which would run again by that: say
   *     so with {@link #thaw}, or {@link #kill} them
   */
  public synchronized void dissolve() throws IOException {
    if (freezeRequested() && !processes().isEmpty()) {
      throw new IllegalStateException(
          "fence %s holds frozen processes %s; thaw or kill them before it is dissolved"
              .formatted(name, processes()));
    }
    for (Path folder : List.copyOf(cgroups.keySet())) {
      dissolve(folder);
      cgroups.remove(folder);
    }
  }

  private static void dissolve(Path folder) throws IOException {
    Path parent = Objects.requireNonNull(folder.getParent());
    long deadline = System.nanoTime() + REMOVAL_LIMIT.toNanos();
    while (true) {
      try {
        for (int pid : CgroupFiles.processes(folder)) {
          boolean _ = CgroupFiles.move(pid, parent);
        }
        Files.deleteIfExists(folder);
        return;
      } catch (NoSuchFileException e) {
        return; // removed by another
      } catch (IOException e) {
        // EBUSY: a process was forked meanwhile, or one that ended is not quite gone.
        if (System.nanoTime() - deadline >= 0) {
          throw e;
        }
        LockSupport.parkNanos(200_000);
      }
    }
  }

  @Override
  public String toString() {
    return "fence " + name + " in " + cgroups.keySet();
  }
}
