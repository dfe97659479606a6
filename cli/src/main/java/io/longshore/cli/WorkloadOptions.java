package io.longshore.cli;

import io.longshore.v1.ContainerWorkload;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Workload;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What is to be moved: exactly one of these. */
final class WorkloadOptions {
  @Option(
      names = "--pid",
      required = true,
      paramLabel = "N",
      description = "Process at the root of the tree, as the source node numbers it.")
  private @Nullable Integer pid;

  @Option(
      names = "--container",
      required = true,
      paramLabel = "ID",
      description = "Container, as 'longshore workloads NODE' names it.")
  private @Nullable String container;

  boolean isContainer() {
    return container != null;
  }

  /**
   * The workload.
   *
   * @param runtime of a container; empty: the coordinator's default
   */
  Workload workload(String runtime) {
    if (container != null) {
      return Workload.newBuilder()
          .setContainer(ContainerWorkload.newBuilder().setId(container).setRuntime(runtime))
          .build();
    }
    if (pid == null || pid < 1) {
      throw new UsageException("--pid: expected a process id, found " + pid);
    }
    return Workload.newBuilder().setProcess(ProcessWorkload.newBuilder().setPid(pid)).build();
  }
}
