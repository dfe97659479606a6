package io.longshore.agent.host;

import java.util.Set;

/**
 * What a host can do.
 *
 * @param architecture as {@code uname -m} gives it
 * @param cpuFeatures flags as /proc/cpuinfo names them
 * @param kernelRelease as {@code uname -r} gives it
 * @param criuVersion "4.2.1"; empty if no working CRIU was found
 * @param lazyRestore whether CRIU can restore lazily here
 * @param availableBytes memory that could be given to workloads now (MemAvailable)
 * @param totalBytes all memory
 */
public record NodeFacts(
    String architecture,
    Set<String> cpuFeatures,
    String kernelRelease,
    String criuVersion,
    boolean lazyRestore,
    long availableBytes,
    long totalBytes) {
  /** Copies the set. */
  public NodeFacts {
    cpuFeatures = Set.copyOf(cpuFeatures);
  }
}
