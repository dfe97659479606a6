package io.longshore.source.workload;

import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.agent.workload.ServiceAddressFacts;
import io.longshore.agent.workload.TaskFacts;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.CriuVersion;
import io.longshore.linux.MappingUsage;
import io.longshore.linux.Mappings;
import io.longshore.linux.ProcessTree;
import io.longshore.linux.Task;
import io.longshore.linux.network.Interfaces;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import io.longshore.source.runtime.Leaving;
import io.longshore.source.runtime.SourceRuntimes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Looks at a workload: what it consists of, and what would keep it from leaving. Changes nothing.
 */
public final class WorkloadInspector {
  private final SourceRuntimes runtimes;
  private final Optional<CriuVersion> criu;

  /**
   * @param runtimes find workloads
   * @param criu the CRIU that would dump; empty if none works here
   */
  public WorkloadInspector(SourceRuntimes runtimes, Optional<CriuVersion> criu) {
    this.runtimes = runtimes;
    this.criu = criu;
  }

  /**
   * Looks at a workload.
   *
   * @param policy what is to become of it on the target, if it is a container
   * @param serviceAddresses addresses with prefix length that would move with it
   */
  public Inspection inspect(
      WorkloadName workload, ContainerPolicy policy, List<String> serviceAddresses) {
    try {
      Leaving leaving = runtimes.find(workload, policy);
      ProcessTree tree = ProcessTree.of(leaving.root().pid());
      Optional<Problem> hopeless = hopeless(tree);
      if (hopeless.isPresent()) {
        return new Inspection(Optional.empty(), List.of(hopeless.get()));
      }
      return inspect(leaving, tree, serviceAddresses);
    } catch (LongshoreException e) {
      if (e.reason().kind() != Reason.Kind.OBSTACLE) {
        throw e;
      }
      return new Inspection(
          Optional.empty(), List.of(new Problem(e.reason(), String.valueOf(e.getMessage()))));
    } catch (NoSuchFileException e) {
      return new Inspection(
          Optional.empty(),
          List.of(new Problem(Reason.UNKNOWN_PROCESS, workload + " has ended on the source")));
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.INTERNAL, "cannot look at " + workload + ": " + e.getMessage(), e);
    }
  }

  private Inspection inspect(Leaving leaving, ProcessTree tree, List<String> serviceAddresses)
      throws IOException {
    List<Problem> problems = new ArrayList<>(leaving.problems(tree));
    if (criu.isEmpty()) {
      problems.add(
          new Problem(Reason.CRIU_MISSING, "the source has no CRIU that works on its kernel"));
    }
    sessions(tree, problems);
    WorkloadFiles files = new WorkloadFiles();
    List<TaskFacts> tasks = new ArrayList<>();
    long privateBytes = 0;
    long sharedBytes = 0;
    for (Task task : tree.tasks()) {
      tasks.add(new TaskFacts(task.ownPid(), task.ownThreadIds(), task.command()));
      if (!task.alive()) {
        continue;
      }
      if (task.tracerThreadId() != 0) {
        problems.add(
            new Problem(
                Reason.TASK_NOT_RUNNING,
                "process %d (%s) is traced by process %d"
                    .formatted(task.pid(), task.command(), task.tracerThreadId())));
      }
      files.add(task);
      for (MappingUsage usage : usage(task, tree.root())) {
        switch (usage.mapping().kind()) {
          case ANONYMOUS, FILE_PRIVATE ->
              privateBytes += usage.anonymousBytes() + usage.swappedBytes();
          case SHARED_MEMORY -> sharedBytes += usage.proportionalBytes() + usage.swappedBytes();
          case FILE_SHARED, KERNEL -> {}
        }
      }
    }
    problems.addAll(files.problems());
    List<ServiceAddress> moving = serviceAddresses.stream().map(WorkloadInspector::parse).toList();
    List<ServiceAddressFacts> addresses = addresses(moving, problems);
    WorkloadSockets sockets = WorkloadSockets.of(tree, moving);
    problems.addAll(sockets.problems(criu));
    return new Inspection(
        Optional.of(
            new WorkloadFacts(
                command(tree.root()),
                tasks,
                files.files(),
                sockets.tcp(),
                privateBytes,
                sharedBytes,
                addresses,
                leaving.facts().orElse(null))),
        problems);
  }

  /** A child may end at any time, as a script's do all the time: then it has nothing. */
  private static List<MappingUsage> usage(Task task, Task root) throws IOException {
    try {
      return Mappings.readUsage(task.pid());
    } catch (IOException e) {
      if (task.pid() == root.pid() || Files.exists(Path.of("/proc", "" + task.pid()))) {
        throw e;
      }
      return List.of();
    }
  }

  private static Optional<Problem> hopeless(ProcessTree tree) {
    Task root = tree.root();
    if (!root.alive()) {
      return Optional.of(
          new Problem(Reason.TASK_NOT_RUNNING, "process " + root.pid() + " has ended"));
    }
    int self = Math.toIntExact(ProcessHandle.current().pid());
    if (tree.find(self).isPresent()) {
      return Optional.of(
          new Problem(
              Reason.UNSUPPORTED_PROCESS,
              "the tree below process %d contains the source-agent itself".formatted(root.pid())));
    }
    if (!Files.exists(Path.of("/proc", Integer.toString(root.pid()), "exe"))) {
      return Optional.of(
          new Problem(
              Reason.UNSUPPORTED_PROCESS,
              "process %d (%s) is a thread of the kernel".formatted(root.pid(), root.command())));
    }
    return Optional.empty();
  }

  private static void sessions(ProcessTree tree, List<Problem> problems) {
    Set<Integer> inside = new HashSet<>(tree.pids());
    for (Task task : tree.tasks()) {
      // 0: the leader is outside of what this agent sees.
      if (!inside.contains(task.sessionId())) {
        problems.add(
            new Problem(
                Reason.NOT_SESSION_LEADER,
                "process %d (%s) belongs to session %d, whose leader is not in the tree below process %d"
                    .formatted(task.pid(), task.command(), task.sessionId(), tree.root().pid())));
        return;
      }
    }
  }

  private static List<ServiceAddressFacts> addresses(
      List<ServiceAddress> moving, List<Problem> problems) throws IOException {
    List<ServiceAddressFacts> facts = new ArrayList<>();
    for (ServiceAddress address : moving) {
      Optional<String> name = Interfaces.withAddress(address);
      if (name.isPresent()) {
        facts.add(new ServiceAddressFacts(address.toString(), name.get()));
      } else {
        problems.add(
            new Problem(Reason.ADDRESS_NOT_ON_SOURCE, "no interface of the source has " + address));
      }
    }
    return facts;
  }

  private static ServiceAddress parse(String text) {
    try {
      return ServiceAddress.parse(text);
    } catch (IllegalArgumentException e) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "service_addresses: " + e.getMessage(), e);
    }
  }

  private static String command(Task root) throws IOException {
    byte[] line = Files.readAllBytes(Path.of("/proc", Integer.toString(root.pid()), "cmdline"));
    String command = new String(line, StandardCharsets.UTF_8).replace('\0', ' ').strip();
    return command.isEmpty() ? root.command() : command;
  }
}
