package io.longshore.target.runtime;

import io.longshore.agent.migration.MigrationRef;
import io.longshore.agent.runc.Bundle;
import io.longshore.agent.runc.Runc;
import io.longshore.agent.runc.RuncRestore.Order;
import io.longshore.agent.runtime.RuntimeRecord;
import io.longshore.agent.runtime.WorkloadName;
import io.longshore.agent.workload.ContainerFacts;
import io.longshore.agent.workload.ContainerPolicy.MountTreatment;
import io.longshore.agent.workload.ContainerPolicy.TcpConnections;
import io.longshore.agent.workload.WorkloadFacts;
import io.longshore.criu.run.Criu;
import io.longshore.criu.run.CriuFolder;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Containers of runc, from bundles that are on this host. runc makes what a container needs before
 * the freeze, and has it in its books before it runs.
 */
public final class RuncContainers implements TargetRuntime {
  /** As nodes report it. */
  public static final String NAME = "runc";

  private static final String ROOT = "root";

  private final Runc runc;
  private final Supplier<Optional<Criu>> criu;

  /**
   * @param criu the one that works here
   */
  public RuncContainers(Runc runc, Supplier<Optional<Criu>> criu) {
    this.runc = runc;
    this.criu = criu;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<Problem> check(WorkloadFacts facts) {
    ContainerFacts container = container(facts);
    List<Problem> problems = new ArrayList<>();
    try {
      if (in(container).state(container.id()).isPresent()) {
        problems.add(
            new Problem(
                Reason.CONTAINER_EXISTS,
                "runc on the target has a container %s already".formatted(container.id())));
      }
      if (!container.policy().cgroupParent().isEmpty()) {
        problems.add(
            new Problem(
                Reason.RUNTIME_INCOMPATIBLE,
                "another parent of its control groups is not supported: cgroupsPath in the bundle's config.json on the target says where they are"));
      }
      container
          .policy()
          .mounts()
          .forEach(
              (destination, treatment) -> {
                if (treatment == MountTreatment.SYNC) {
                  problems.add(
                      new Problem(
                          Reason.RUNTIME_INCOMPATIBLE,
                          "the content of %s cannot be copied: have it on storage that both nodes have, or put it there beforehand, and say shared or skip"
                              .formatted(destination)));
                }
              });
      problems.addAll(bundle(container));
    } catch (LongshoreException e) {
      problems.add(new Problem(e.reason(), String.valueOf(e.getMessage())));
    } catch (IOException e) {
      problems.add(new Problem(Reason.RUNTIME_FAILED, "runc cannot be asked: " + e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LongshoreException(Reason.CANCELLED, "interrupted while runc was asked", e);
    }
    return problems;
  }

  /** It must be the same container: the files of it are compared one by one elsewhere. */
  private static List<Problem> bundle(ContainerFacts container) {
    Path folder = folder(container);
    if (!Files.isDirectory(folder)) {
      return List.of(
          new Problem(
              Reason.MOUNT_MISSING, "the bundle %s is not on the target".formatted(folder)));
    }
    Bundle bundle = Bundle.read(folder);
    List<Problem> problems = new ArrayList<>();
    if (!Files.isDirectory(bundle.root())) {
      problems.add(
          new Problem(
              Reason.MOUNT_MISSING,
              "the root file system %s is not on the target".formatted(bundle.root())));
    }
    List<String> there =
        container.mounts().stream().map(ContainerFacts.Mount::destination).sorted().toList();
    List<String> here = bundle.mounts().stream().map(Bundle.Mount::destination).sorted().toList();
    if (!there.equals(here)) {
      problems.add(
          new Problem(
              Reason.FILE_DIFFERENT,
              "the bundle %s has other mounts than the container: %s instead of %s"
                  .formatted(folder, here, there)));
    }
    for (Bundle.Mount mount : bundle.mounts()) {
      if (mount.isBind() && !Files.exists(source(bundle, mount))) {
        problems.add(
            new Problem(
                Reason.MOUNT_MISSING,
                "%s, which is mounted at %s, is not on the target"
                    .formatted(source(bundle, mount), mount.destination())));
      }
    }
    return problems;
  }

  @Override
  public Optional<Path> locate(WorkloadFacts facts, String path) {
    ContainerFacts container = container(facts);
    Bundle bundle;
    try {
      bundle = Bundle.read(folder(container));
    } catch (LongshoreException e) {
      // Said by check.
      return Optional.empty();
    }
    Path inside = Path.of(path).normalize();
    Optional<Bundle.Mount> mount =
        bundle.mounts().stream()
            .filter(each -> inside.startsWith(Path.of(each.destination()).normalize()))
            .max(Comparator.comparingInt(each -> Path.of(each.destination()).getNameCount()));
    if (mount.isEmpty()) {
      return Optional.of(bundle.root().resolve(inside.toString().substring(1)));
    }
    Bundle.Mount found = mount.get();
    MountTreatment treatment =
        container.policy().mounts().getOrDefault(found.destination(), MountTreatment.SHARED);
    // What is in memory comes with the images.
    return found.isBind() && treatment == MountTreatment.SHARED
        ? Optional.of(
            source(bundle, found).resolve(Path.of(found.destination()).relativize(inside)))
        : Optional.empty();
  }

  @Override
  public Coming expect(MigrationRef ref, WorkloadFacts facts, CriuFolder folder) {
    ContainerFacts container = container(facts);
    Order order = Order.of(container.id(), folder(container), container.descriptors());
    TreeMap<String, String> values = new TreeMap<>();
    values.put(ROOT, in(container).root().toString());
    RuntimeRecord record = new RuntimeRecord(new WorkloadName(NAME, container.id()), values);
    return new ComingContainer(
        in(container),
        criu,
        folder.path(),
        record,
        order,
        container.policy().tcp() == TcpConnections.CLOSE);
  }

  @Override
  public Coming takeUp(MigrationRef ref, RuntimeRecord record, CriuFolder folder) {
    Path root = Path.of(record.values().getOrDefault(ROOT, runc.root().toString()));
    return new ComingContainer(
        new Runc(runc.program(), root), criu, folder.path(), record, null, false);
  }

  private static ContainerFacts container(WorkloadFacts facts) {
    ContainerFacts container = facts.container();
    if (container == null) {
      throw new LongshoreException(
          Reason.INVALID_ARGUMENT, "the facts of a container of runc are missing");
    }
    return container;
  }

  private Runc in(ContainerFacts container) {
    String root = container.policy().runtimeRoot();
    return root.isEmpty() ? runc : new Runc(runc.program(), Path.of(root));
  }

  private static Path folder(ContainerFacts container) {
    String said = container.policy().bundle();
    return Path.of(said.isEmpty() ? container.bundle() : said);
  }

  private static Path source(Bundle bundle, Bundle.Mount mount) {
    return Objects.requireNonNull(bundle.path().resolve(mount.source()).normalize());
  }
}
