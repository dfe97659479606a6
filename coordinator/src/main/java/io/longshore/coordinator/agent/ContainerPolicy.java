package io.longshore.coordinator.agent;

import java.util.List;

/**
 * What is to become of a container on the target. Empty texts: as the agents have it by default.
 *
 * @param bundle folder of its bundle there, absolute
 * @param runtimeRoot where its runtime keeps its state there, absolute
 * @param cgroupParent below which its control groups are made there, absolute
 * @param mounts what is done with the content of mounts; at most one for each destination
 * @param tcpConnections what becomes of established ones
 */
public record ContainerPolicy(
    String bundle,
    String runtimeRoot,
    String cgroupParent,
    List<Mount> mounts,
    TcpConnections tcpConnections) {
  /** What holds if nobody says otherwise. */
  public static final ContainerPolicy DEFAULT =
      new ContainerPolicy("", "", "", List.of(), TcpConnections.KEEP);

  public ContainerPolicy {
    mounts = List.copyOf(mounts);
  }

  /**
   * A mount.
   *
   * @param destination where it is in the container, absolute
   * @param treatment what is done with its content
   */
  public record Mount(String destination, MountTreatment treatment) {}

  /** What is done with the content of a mount. */
  public enum MountTreatment {
    /** It is copied. */
    SYNC,
    /** Both nodes have the same storage there. */
    SHARED,
    /** The target has what is needed there. */
    SKIP
  }

  /** What becomes of established TCP connections. */
  public enum TcpConnections {
    /** They go on on the target. */
    KEEP,
    /** They are closed there. */
    CLOSE
  }
}
