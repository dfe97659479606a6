package io.longshore.source.runtime;

import io.longshore.agent.runc.Bundle;
import io.longshore.agent.runc.RuncContainer;
import io.longshore.linux.ContainerCgroup;
import io.longshore.linux.ProcessTree;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What keeps a container of runc from being moved, found before it is touched. */
final class ContainerObstacles {
  /** Namespaces that a container may have of its own: CRIU makes them again. */
  private static final Set<String> OWN =
      Set.of("pid", "mount", "ipc", "uts", "user", "network", "cgroup");

  private static final int LOOKS = 3;

  private ContainerObstacles() {}

  /** What its state and its bundle tell. */
  static List<Problem> atOnce(RuncContainer container, Bundle bundle) {
    List<Problem> problems = new ArrayList<>();
    switch (container.status()) {
      case PAUSED ->
          problems.add(
              new Problem(
                  Reason.WORKLOAD_PAUSED, "the container %s is paused".formatted(container.id())));
      case CREATED, STOPPED ->
          problems.add(
              new Problem(
                  Reason.TASK_NOT_RUNNING,
                  "the container %s does not run".formatted(container.id())));
      case RUNNING -> {}
    }
    if (bundle.terminal()) {
      problems.add(
          new Problem(
              Reason.NOT_SESSION_LEADER,
              "the container %s has a terminal, which stays here".formatted(container.id())));
    }
    for (Map.Entry<String, Bundle.Namespace> each : bundle.namespaces().entrySet()) {
      if (each.getValue().joined().isPresent()) {
        problems.add(
            new Problem(
                Reason.NAMESPACE_UNSUPPORTED,
                "the container %s has joined the %s namespace %s"
                    .formatted(container.id(), each.getKey(), each.getValue().joined().get())));
      } else if (!OWN.contains(each.getKey())) {
        problems.add(
            new Problem(
                Reason.NAMESPACE_UNSUPPORTED,
                "the container %s has a %s namespace".formatted(container.id(), each.getKey())));
      }
    }
    return List.copyOf(problems);
  }

  /** What its processes and cgroups tell. */
  static List<Problem> lookingAt(ProcessTree tree, ContainerCgroup cgroup) throws IOException {
    List<Problem> problems = new ArrayList<>(outside(tree, cgroup));
    for (Path below : cgroup.below()) {
      problems.add(
          new Problem(Reason.CGROUPS_BELOW, "it has made the control group %s".formatted(below)));
    }
    for (String device : devices(tree.root().pid())) {
      problems.add(
          new Problem(
              Reason.NAMESPACE_UNSUPPORTED,
              "its network namespace has the device %s".formatted(device)));
    }
    return problems;
  }

  /** Processes of it that its first process did not start: they would stay behind. */
  static List<Problem> outside(ProcessTree tree, ContainerCgroup cgroup) throws IOException {
    Set<Integer> outside = new HashSet<>(cgroup.processes());
    outside.removeAll(tree.pids());
    // While it runs, some have come or gone since the tree was looked at.
    for (int look = 0; look < LOOKS && !outside.isEmpty(); look++) {
      outside.removeAll(ProcessTree.of(tree.root().pid()).pids());
      outside.retainAll(cgroup.processes());
    }
    List<Problem> problems = new ArrayList<>();
    for (int pid : outside) {
      problems.add(
          new Problem(
              Reason.PROCESS_OUTSIDE_TREE,
              "process %d (%s) is in the container and does not descend from its first process"
                  .formatted(pid, command(pid))));
    }
    return problems;
  }

  /** Of a network namespace of its own, but for its loopback. */
  private static List<String> devices(int pid) throws IOException {
    if (Files.readSymbolicLink(Path.of("/proc", "" + pid, "ns/net"))
        .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/net")))) {
      return List.of();
    }
    return Files.readAllLines(Path.of("/proc", "" + pid, "net/dev"), StandardCharsets.US_ASCII)
        .stream()
        .filter(line -> line.contains(":"))
        .map(line -> line.substring(0, line.indexOf(':')).strip())
        .filter(device -> !device.equals("lo"))
        .toList();
  }

  private static String command(int pid) throws IOException {
    try {
      return Files.readString(Path.of("/proc", "" + pid, "comm")).strip();
    } catch (NoSuchFileException e) {
      return "it has ended";
    }
  }
}
