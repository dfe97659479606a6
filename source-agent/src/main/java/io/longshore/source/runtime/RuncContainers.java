package io.longshore.source.runtime;

import io.longshore.agent.runc.Bundle;
import io.longshore.agent.runc.Runc;
import io.longshore.agent.runc.RuncCheckpoint;
import io.longshore.agent.runc.RuncContainer;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.agent.workload.ContainerPolicy;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.linux.ContainerCgroup;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Containers of runc. CRIU dumps them as it dumps other trees, with the options that runc would
 * have for it; runc is asked for these and told when the container is gone.
 */
public final class RuncContainers implements SourceRuntime {
  /** As nodes report it. */
  public static final String NAME = "runc";

  /** Of the record: the folder of the cgroup that runc freezes the container by. */
  private static final String FREEZER = "freezer";

  private final Runc runc;
  private final Supplier<Optional<Criu>> criu;
  private final Path folder;
  private final AtomicLong asked = new AtomicLong();

  /**
   * @param criu the one that works here
   * @param folder for what runc is asked, made when needed; where programs can be run
   */
  public RuncContainers(Runc runc, Supplier<Optional<Criu>> criu, Path folder) {
    this.runc = runc;
    this.criu = criu;
    this.folder = folder;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<ListedWorkload> list() {
    try {
      List<ListedWorkload> found = new ArrayList<>();
      for (RuncContainer container : runc.list()) {
        found.add(
            new ListedWorkload(
                new WorkloadName(NAME, container.id()),
                container.pid(),
                container.status().name().toLowerCase(Locale.ROOT),
                atOnce(container)));
      }
      return found;
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.RUNTIME_FAILED, "runc cannot be asked for its containers: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  @Override
  public Leaving find(String name, ContainerPolicy policy) {
    try {
      RuncContainer container =
          runc.state(name)
              .orElseThrow(
                  () ->
                      new LongshoreException(
                          Reason.UNKNOWN_CONTAINER,
                          "runc on the source has no container '%s' in %s"
                              .formatted(name, runc.root())));
      if (container.pid() == 0) {
        throw new LongshoreException(
            Reason.TASK_NOT_RUNNING, "the container %s has ended".formatted(name));
      }
      RootProcess root = RootProcess.of(container.pid());
      Bundle bundle = Bundle.read(container.bundle());
      List<Problem> problems = ContainerObstacles.atOnce(container, bundle);
      // Of one that cannot move nothing more is asked: a paused one would not answer.
      RuncCheckpoint checkpoint = problems.isEmpty() ? ask(name) : null;
      ContainerCgroup cgroup = ContainerCgroup.of(root.pid());
      return new LeavingContainer(
          runc,
          root,
          record(name, cgroup),
          cgroup,
          problems,
          facts(container, bundle, checkpoint, cgroup, policy),
          checkpoint);
    } catch (NoSuchFileException e) {
      throw new LongshoreException(
          Reason.TASK_NOT_RUNNING, "the container %s has ended".formatted(name), e);
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.RUNTIME_FAILED,
          "the container %s cannot be looked at: %s".formatted(name, e.getMessage()),
          e);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  @Override
  public Leaving takeUp(RootProcess root, RuntimeRecord record) {
    try {
      Path freezer = Path.of(record.values().getOrDefault(FREEZER, "/none"));
      return new LeavingContainer(
          runc, root, record, ContainerCgroup.in(freezer), List.of(), null, null);
    } catch (IOException e) {
      throw new LongshoreException(
          Reason.RUNTIME_FAILED,
          "the cgroups of %s cannot be found: %s".formatted(record.workload(), e.getMessage()),
          e);
    }
  }

  private RuncCheckpoint ask(String name) throws IOException, InterruptedException {
    Criu works =
        criu.get()
            .orElseThrow(
                () ->
                    new LongshoreException(
                        Reason.CRIU_MISSING, "the source has no CRIU that works on its kernel"));
    Files.createDirectories(folder);
    Path question = folder.resolve(ProcessHandle.current().pid() + "-" + asked.incrementAndGet());
    try {
      return RuncCheckpoint.ask(runc, works, question, name);
    } finally {
      new CriuFolder(question).delete();
    }
  }

  /** One whose bundle cannot be read must not hide the others. */
  private static List<Problem> atOnce(RuncContainer container) {
    try {
      return ContainerObstacles.atOnce(container, Bundle.read(container.bundle()));
    } catch (LongshoreException e) {
      return List.of(new Problem(e.reason(), String.valueOf(e.getMessage())));
    }
  }

  private static RuntimeRecord record(String name, ContainerCgroup cgroup) {
    TreeMap<String, String> values = new TreeMap<>();
    values.put(FREEZER, cgroup.folder().toString());
    return new RuntimeRecord(new WorkloadName(NAME, name), values);
  }

  private ContainerFacts facts(
      RuncContainer container,
      Bundle bundle,
      @Nullable RuncCheckpoint checkpoint,
      ContainerCgroup cgroup,
      ContainerPolicy policy)
      throws IOException, InterruptedException {
    return new ContainerFacts(
        NAME,
        runc.version(),
        container.id(),
        container.bundle().toString(),
        Files.readString(container.bundle().resolve("config.json")),
        checkpoint == null ? List.of() : checkpoint.descriptorNames(),
        bundle.mounts().stream()
            .map(
                mount ->
                    new ContainerFacts.Mount(
                        mount.destination(),
                        mount.source(),
                        mount.isBind() ? "bind" : mount.type()))
            .toList(),
        bundle.namespaces().entrySet().stream()
            .map(
                each ->
                    new ContainerFacts.Namespace(
                        each.getKey(), each.getValue().joined().map(Path::toString).orElse("")))
            .toList(),
        cgroup.folder().toString(),
        policy);
  }

  private static LongshoreException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new LongshoreException(Reason.CANCELLED, "interrupted while runc was asked", e);
  }
}
