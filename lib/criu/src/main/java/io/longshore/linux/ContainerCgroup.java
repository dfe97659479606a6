package io.longshore.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The cgroup that a container's runtime freezes it by. A fence below it holds the container's
 * processes and can be let go only by whoever made it; this one holds besides what the runtime puts
 * into the container meanwhile, and keeps the runtime from doing so.
 */
public final class ContainerCgroup {
  private static final String FENCE = "longshore-";

  private final Path folder;
  private final FenceCgroup cgroup;

  private ContainerCgroup(CgroupHierarchy hierarchy, Path folder) {
    this.folder = folder;
    this.cgroup = FenceCgroup.of(hierarchy, folder);
  }

  /**
   * That of a process, in {@link CgroupHierarchy#forFreezing}, or the one above if the process is
   * in a fence.
   *
   * @throws java.nio.file.NoSuchFileException if it has ended
   */
  public static ContainerCgroup of(int pid) throws IOException {
    CgroupHierarchy hierarchy = CgroupHierarchy.forFreezing();
    Path found = hierarchy.cgroupOf(pid);
    Path parent = found.getParent();
    if (parent != null && String.valueOf(found.getFileName()).startsWith(FENCE)) {
      return new ContainerCgroup(hierarchy, parent);
    }
    return new ContainerCgroup(hierarchy, found);
  }

  /** The one of this folder, which need not be there any more. */
  public static ContainerCgroup in(Path folder) throws IOException {
    return new ContainerCgroup(CgroupHierarchy.forFreezing(), folder);
  }

  /** Where it is. */
  public Path folder() {
    return folder;
  }

  /**
   * Freezes it.
   *
   * @throws IOException if that takes longer
   */
  public void freeze(Duration timeout) throws IOException {
    cgroup.requestFreeze();
    if (!cgroup.awaitFrozen(timeout)) {
      cgroup.thaw();
      throw new IOException("%s was not frozen within %s".formatted(folder, timeout));
    }
  }

  /** Lets it run; none is there is no error. */
  public void thaw() throws IOException {
    if (Files.isDirectory(folder)) {
      cgroup.thaw();
    }
  }

  /** All processes in it and below, those in fences too. */
  public List<Integer> processes() throws IOException {
    List<Integer> found = new ArrayList<>();
    for (Path each : below(true)) {
      found.addAll(CgroupFiles.processes(each));
    }
    return List.copyOf(found);
  }

  /** The cgroups that were made below it, but for fences. */
  public List<Path> below() throws IOException {
    return below(false);
  }

  private List<Path> below(boolean withItselfAndFences) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isDirectory)
          .filter(
              each ->
                  withItselfAndFences
                      || (!each.equals(folder)
                          && !String.valueOf(each.getFileName()).startsWith(FENCE)))
          .toList();
    }
  }
}
