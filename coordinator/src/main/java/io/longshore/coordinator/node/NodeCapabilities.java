package io.longshore.coordinator.node;

import java.util.List;

/**
 * What a host can do, as its agents report it.
 *
 * @param architecture machine architecture as {@code uname -m} gives it
 * @param cpuFeatures CPU feature flags as {@code /proc/cpuinfo} names them
 * @param kernelRelease kernel release as {@code uname -r} gives it
 * @param criuVersion CRIU's version, empty if no working CRIU was found
 * @param lazyRestore whether CRIU can restore lazily here
 * @param runtimes kinds of workloads the host can handle
 * @param availableMemoryBytes memory that could be given to workloads now, in bytes
 * @param totalMemoryBytes all memory, in bytes
 */
public record NodeCapabilities(
    String architecture,
    List<String> cpuFeatures,
    String kernelRelease,
    String criuVersion,
    boolean lazyRestore,
    List<String> runtimes,
    long availableMemoryBytes,
    long totalMemoryBytes) {

  /** Of a host nothing is known of yet. */
  public static final NodeCapabilities UNKNOWN =
      new NodeCapabilities("", List.of(), "", "", false, List.of(), 0, 0);

  public NodeCapabilities {
    cpuFeatures = List.copyOf(cpuFeatures);
    runtimes = List.copyOf(runtimes);
    if (availableMemoryBytes < 0 || totalMemoryBytes < 0) {
      throw new IllegalArgumentException("memory is negative");
    }
  }

  /** Whether {@code other} differs in nothing but the memory that is available now. */
  public boolean sameHost(NodeCapabilities other) {
    return withAvailableMemory(0).equals(other.withAvailableMemory(0));
  }

  private NodeCapabilities withAvailableMemory(long bytes) {
    return new NodeCapabilities(
        architecture,
        cpuFeatures,
        kernelRelease,
        criuVersion,
        lazyRestore,
        runtimes,
        bytes,
        totalMemoryBytes);
  }
}
