package io.longshore.linux;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A mounted cgroup hierarchy that can freeze, or limit the time of the processors; cgroups(7).
 *
 * @param version which kind
 * @param mountPoint where it is mounted
 * @param mountRoot cgroup that the mount shows as its root, in the reader's cgroup namespace
 */
public record CgroupHierarchy(Version version, Path mountPoint, String mountRoot) {
  /** What a hierarchy can do, and how. */
  public enum Version {
    /** Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst. */
    V1_FREEZER("freezer"),
    /** Documentation/scheduler/sched-bwc.rst. */
    V1_CPU("cpu"),
    /** Documentation/admin-guide/cgroup-v2.rst: both. */
    V2("");

    private final String controller;

    Version(String controller) {
      this.controller = controller;
    }
  }

  /** All that are mounted where this process can see them; /proc/self/mountinfo. */
  public static List<CgroupHierarchy> mounted() throws IOException {
    List<CgroupHierarchy> found = new ArrayList<>();
    for (String line : ProcFiles.text(Path.of("/proc/self/mountinfo")).lines().toList()) {
      parse(line).ifPresent(found::add);
    }
    return List.copyOf(found);
  }

  /**
   * The hierarchy to freeze with: the version 1 freezer if it is mounted, since container engines
   * use it there, else version 2. Among several mounts of one, that which shows the most.
   */
  public static CgroupHierarchy forFreezing() throws IOException {
    return with(Version.V1_FREEZER)
        .orElseThrow(
            () ->
                new IOException(
                    "neither a cgroup v1 freezer nor cgroup v2 is mounted, see /proc/self/mountinfo; "
                        + "mount one, else the agent cannot keep a workload from running"));
  }

  /** The same to limit processor time with. */
  static Optional<CgroupHierarchy> forProcessors() throws IOException {
    return with(Version.V1_CPU);
  }

  private static Optional<CgroupHierarchy> with(Version first) throws IOException {
    return mounted().stream()
        .filter(hierarchy -> hierarchy.version == first || hierarchy.version == Version.V2)
        .min(
            Comparator.comparing(CgroupHierarchy::version)
                .thenComparingInt(hierarchy -> hierarchy.mountRoot().length()));
  }

  static Optional<CgroupHierarchy> parse(String mountInfoLine) {
    String[] halves = mountInfoLine.split(" - ", 2);
    if (halves.length != 2) {
      return Optional.empty();
    }
    String[] mount = halves[0].split(" ", -1);
    String[] system = halves[1].split(" ", -1);
    List<String> options = Arrays.asList(system[2].split(",", -1));
    return Arrays.stream(Version.values())
        .filter(
            version ->
                version == Version.V2
                    ? system[0].equals("cgroup2")
                    : system[0].equals("cgroup") && options.contains(version.controller))
        .findFirst()
        .map(
            version ->
                new CgroupHierarchy(version, Path.of(unescape(mount[4])), unescape(mount[3])));
  }

  static String unescape(String field) {
    return field
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\");
  }

  /**
   * The folder of the cgroup a process is in.
   *
   * @throws NoSuchFileException if there is no such process
   * @throws IOException if its cgroup is not below {@link #mountPoint}
   */
  Path cgroupOf(int pid) throws IOException {
    String cgroup = pathInHierarchy(pid);
    if (cgroup.startsWith(mountRoot)) {
      String below = cgroup.substring(mountRoot.length());
      if (mountRoot.endsWith("/") || below.isEmpty() || below.startsWith("/")) {
        Path direct = mountPoint.resolve(below.startsWith("/") ? below.substring(1) : below);
        if (contains(direct, pid)) {
          return direct;
        }
      }
    }
    // In a cgroup namespace names above its root are hidden; then only the members tell.
    if (CgroupFiles.isAlive(pid)) {
      List<Path> found = find(directory -> contains(directory, pid));
      if (!found.isEmpty()) {
        return found.getFirst();
      }
    }
    if (!CgroupFiles.isAlive(pid)) {
      throw new NoSuchFileException("/proc/" + pid, null, "the process has ended");
    }
    throw new IOException(
        "process %d is in cgroup %s, which is not below %s".formatted(pid, cgroup, mountPoint));
  }

  /** A process's line of /proc/PID/cgroup for this hierarchy, as the kernel writes it. */
  String pathInHierarchy(int pid) throws IOException {
    for (String line : ProcFiles.text(ProcFiles.of(pid, "cgroup")).lines().toList()) {
      String[] fields = line.split(":", 3);
      boolean here =
          switch (version) {
            case V1_FREEZER, V1_CPU ->
                Arrays.asList(fields[1].split(",", -1)).contains(version.controller);
            case V2 -> fields[0].equals("0");
          };
      if (here) {
        return fields[2];
      }
    }
    throw new IOException(
        "process %d is in no cgroup of the hierarchy at %s".formatted(pid, mountPoint));
  }

  /** Folders of cgroups that satisfy {@code wanted}, outer before inner. */
  List<Path> find(Predicate<Path> wanted) throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        mountPoint,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            if (wanted.test(folder)) {
              found.add(folder);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) { // a cgroup that was removed meanwhile
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException e)
              throws IOException {
            return e == null ? FileVisitResult.CONTINUE : visitFileFailed(folder, e);
          }
        });
    return found;
  }

  private static boolean contains(Path cgroup, int pid) {
    try {
      return CgroupFiles.processes(cgroup).contains(pid);
    } catch (IOException e) {
      return false; // removed, or a threaded cgroup, which lists no processes
    }
  }
}
