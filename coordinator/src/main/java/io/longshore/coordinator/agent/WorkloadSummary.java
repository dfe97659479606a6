package io.longshore.coordinator.agent;

/**
 * What the source found when it looked at the workload.
 *
 * @param command command line of the root process
 * @param processes number of processes
 * @param threads number of threads in all of them
 * @param privateBytes bytes of resident private memory
 * @param sharedBytes bytes of resident shared memory
 * @param tcpConnections number of established TCP connections
 */
public record WorkloadSummary(
    String command,
    int processes,
    int threads,
    long privateBytes,
    long sharedBytes,
    int tcpConnections) {}
