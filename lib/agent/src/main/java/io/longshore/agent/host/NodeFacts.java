package io.longshore.agent.host;

import java.util.List;
import java.util.Set;

/**
 * What a host can do.
 *
 * @param architecture as {@code uname -m} gives it
 * @param cpuFeatures flags as /proc/cpuinfo names them
 * @param kernelRelease as {@code uname -r} gives it
 * @param criuVersion "4.2.1"; empty if no working CRIU was found
 * @param lazyRestore whether CRIU can restore lazily here
 * @param runtimes kinds of workloads that it handles: "process", "runc"
 * @param availableBytes memory that could be given to workloads now (MemAvailable)
 * @param totalBytes all memory
 */
public record NodeFacts(
    String architecture,
    Set<String> cpuFeatures,
    String kernelRelease,
    String criuVersion,
    boolean lazyRestore,
    List<String> runtimes,
    long availableBytes,
    long totalBytes) {
  /** Copies. */
  public NodeFacts {
    cpuFeatures = Set.copyOf(cpuFeatures);
    runtimes = List.copyOf(runtimes);
  }
}
