package io.longshore.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The cgroups of a process in all hierarchies, as {@code /proc/PID/cgroup} names them; cgroups(7).
 */
public final class NamedCgroups {
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
  private static final Path OWN = Path.of("/proc/self/cgroup");

  private NamedCgroups() {}

  /**
   * Their folders by controller: "name=X" for a named hierarchy, "" for that of version 2. Not
   * those that this process is in too, nor those of hierarchies that are mounted nowhere.
   *
   * @param file {@code /proc/PID/cgroup}, or one that was written like it
   */
  public static Map<String, Path> folders(Path file) throws IOException {
    List<String> mounts = ProcFiles.text(MOUNTS).lines().toList();
    Set<String> own = new HashSet<>(ProcFiles.text(OWN).lines().toList());
    Map<String, Path> folders = new HashMap<>();
    for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
      String[] fields = line.split(":", 3);
      if (fields.length != 3 || !fields[2].startsWith("/") || (fields[2] + "/").contains("/../")) {
        throw new IOException("a line of " + file + " names no cgroup: " + line);
      }
      if (own.contains(line)) {
        continue;
      }
      Optional<Path> folder =
          mounts.stream()
              .map(mount -> folder(mount, fields[1], fields[2]))
              .flatMap(Optional::stream)
              .findFirst();
      if (folder.isPresent()) {
        for (String controller : fields[1].split(",", -1)) {
          folders.put(controller, folder.get());
        }
      }
    }
    return folders;
  }

  /**
   * Removes those that have no processes and no cgroups below them. Others stay.
   *
   * @param file as for {@link #folders}
   * @return those that stay
   */
  public static List<Path> remove(Path file) throws IOException {
    List<Path> stay = new ArrayList<>();
    for (Path folder : Set.copyOf(folders(file).values())) {
      try {
        Files.deleteIfExists(folder);
      } catch (NoSuchFileException e) {
        // Somebody was faster.
      } catch (DirectoryNotEmptyException e) {
        stay.add(folder);
      } catch (FileSystemException e) {
        // EBUSY: it has processes.
        stay.add(folder);
      }
    }
    return List.copyOf(stay);
  }

  /**
   * Has processes leave them for those that this process is in, in each hierarchy. A process that
   * ends meanwhile is no error.
   *
   * @param file as for {@link #folders}
   * @param stay that do not leave, as this process sees them
   */
  public static void leave(Path file, Set<Integer> stay) throws IOException {
    Map<String, Path> own = new HashMap<>();
    List<String> mounts = ProcFiles.text(MOUNTS).lines().toList();
    for (String line : ProcFiles.text(OWN).lines().toList()) {
      String[] fields = line.split(":", 3);
      mounts.stream()
          .map(mount -> folder(mount, fields[1], fields[2]))
          .flatMap(Optional::stream)
          .findFirst()
          .ifPresent(folder -> own.put(fields[1].split(",", 2)[0], folder));
    }
    for (Map.Entry<String, Path> cgroup : folders(file).entrySet()) {
      Path to = own.get(cgroup.getKey());
      if (to != null && Files.isDirectory(cgroup.getValue())) {
        for (int pid : CgroupFiles.processes(cgroup.getValue())) {
          if (!stay.contains(pid)) {
            CgroupFiles.move(pid, to);
          }
        }
      }
    }
  }

  private static Optional<Path> folder(String mountInfoLine, String controllers, String cgroup) {
    String[] halves = mountInfoLine.split(" - ", 2);
    String[] mount = halves[0].split(" ", -1);
    String[] system = halves.length == 2 ? halves[1].split(" ", -1) : new String[0];
    if (system.length < 3 || mount.length < 5) {
      return Optional.empty();
    }
    boolean here =
        controllers.isEmpty()
            ? system[0].equals("cgroup2")
            : system[0].equals("cgroup")
                && Arrays.asList(system[2].split(",", -1)).contains(controllers.split(",", 2)[0]);
    String root = CgroupHierarchy.unescape(mount[3]);
    String above = root.equals("/") ? "" : root;
    if (!here || !(cgroup + "/").startsWith(above + "/")) {
      return Optional.empty();
    }
    return Optional.of(
        Path.of(CgroupHierarchy.unescape(mount[4]) + cgroup.substring(above.length())));
  }
}
