package io.longshore.agent.workload;

import java.util.List;

/**
 * What a target must know of a container before the freeze.
 *
 * @param runtime that runs it: "runc"
 * @param version of the runtime on the source
 * @param id in the runtime
 * @param bundle folder of its bundle on the source
 * @param config its config.json
 * @param descriptors what its first three descriptors were when it was started, as CRIU names them:
 *     "/dev/null", "pipe:[1234]"
 * @param mounts of the container
 * @param namespaces that it has or has joined
 * @param cgroup path of its control groups, as in /proc/PID/cgroup
 * @param policy what was asked for
 */
public record ContainerFacts(
    String runtime,
    String version,
    String id,
    String bundle,
    String config,
    List<String> descriptors,
    List<Mount> mounts,
    List<Namespace> namespaces,
    String cgroup,
    ContainerPolicy policy) {
  /** Copies. */
  public ContainerFacts {
    descriptors = List.copyOf(descriptors);
    mounts = List.copyOf(mounts);
    namespaces = List.copyOf(namespaces);
  }

  /**
   * A mount.
   *
   * @param destination where it is in the container
   * @param source what is mounted, on the source
   * @param type "bind", or that of a file system: "tmpfs"
   */
  public record Mount(String destination, String source, String type) {}

  /**
   * A namespace.
   *
   * @param type as in config.json: "pid", "network", "mount", "ipc", "uts", "user", "cgroup"
   * @param path of the one it has joined; empty if it is its own
   */
  public record Namespace(String type, String path) {}

  /** Whether it has a pid namespace of its own, in which all ids are free. */
  public boolean hasOwnPids() {
    return namespaces.contains(new Namespace("pid", ""));
  }
}
