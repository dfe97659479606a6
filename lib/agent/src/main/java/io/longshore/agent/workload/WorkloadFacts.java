package io.longshore.agent.workload;

import java.util.List;

/**
 * Everything a target must know to say whether it could take a workload.
 *
 * @param command command line of the root process
 * @param tasks all processes, the root first
 * @param files files that are mapped, open, or a working or root directory
 * @param tcpSockets TCP sockets of the tree
 * @param privateBytes resident private memory
 * @param sharedBytes resident shared memory
 * @param serviceAddresses addresses that move
 */
public record WorkloadFacts(
    String command,
    List<TaskFacts> tasks,
    List<FileFacts> files,
    List<TcpSocketFacts> tcpSockets,
    long privateBytes,
    long sharedBytes,
    List<ServiceAddressFacts> serviceAddresses) {
  /** Copies the lists. */
  public WorkloadFacts {
    tasks = List.copyOf(tasks);
    files = List.copyOf(files);
    tcpSockets = List.copyOf(tcpSockets);
    serviceAddresses = List.copyOf(serviceAddresses);
  }
}
