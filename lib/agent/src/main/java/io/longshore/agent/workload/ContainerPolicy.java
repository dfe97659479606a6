package io.longshore.agent.workload;

import java.util.Map;
import java.util.TreeMap;

/**
 * What is to become of a container on the target. Empty texts: nothing was said.
 *
 * @param bundle folder of its bundle there, absolute
 * @param runtimeRoot where its runtime keeps its state there, absolute
 * @param cgroupParent below which its control groups are made there, absolute as in
 *     /proc/PID/cgroup
 * @param mounts what is done with the content of mounts, by their destination
 * @param tcp what becomes of established TCP connections
 */
public record ContainerPolicy(
    String bundle,
    String runtimeRoot,
    String cgroupParent,
    Map<String, MountTreatment> mounts,
    TcpConnections tcp) {
  /** Nothing was said. */
  public static final ContainerPolicy NONE =
      new ContainerPolicy("", "", "", Map.of(), TcpConnections.KEEP);

  /** What is done with the content of a mount. */
  public enum MountTreatment {
    /** It is copied. */
    SYNC,
    /** Both nodes have the same storage there. */
    SHARED,
    /** The target has what it needs there; nothing is compared. */
    SKIP
  }

  /** What becomes of established TCP connections. */
  public enum TcpConnections {
    /** They go on on the target. */
    KEEP,
    /** They are closed there. */
    CLOSE
  }

  /** Copies. */
  public ContainerPolicy {
    mounts = java.util.Collections.unmodifiableMap(new TreeMap<>(mounts));
  }
}
