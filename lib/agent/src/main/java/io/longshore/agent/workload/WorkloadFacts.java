package io.longshore.agent.workload;

import io.longshore.agent.runtime.WorkloadName;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
 * @param container what there is of it besides; null if it is a process
 */
public record WorkloadFacts(
    String command,
    List<TaskFacts> tasks,
    List<FileFacts> files,
    List<TcpSocketFacts> tcpSockets,
    long privateBytes,
    long sharedBytes,
    List<ServiceAddressFacts> serviceAddresses,
    @Nullable ContainerFacts container) {
  /** Copies the lists. */
  public WorkloadFacts {
    tasks = List.copyOf(tasks);
    files = List.copyOf(files);
    tcpSockets = List.copyOf(tcpSockets);
    serviceAddresses = List.copyOf(serviceAddresses);
  }

  /** Of a process. */
  public WorkloadFacts(
      String command,
      List<TaskFacts> tasks,
      List<FileFacts> files,
      List<TcpSocketFacts> tcpSockets,
      long privateBytes,
      long sharedBytes,
      List<ServiceAddressFacts> serviceAddresses) {
    this(command, tasks, files, tcpSockets, privateBytes, sharedBytes, serviceAddresses, null);
  }

  /** What runs it, as nodes report it. */
  public String runtime() {
    return container == null ? WorkloadName.PROCESS : container.runtime();
  }

  /** Whether its process ids are its own, so that all are free on a target. */
  public boolean hasOwnPids() {
    return container == null
        ? tasks.isEmpty() || tasks.getFirst().vpid() == 1
        : container.hasOwnPids();
  }
}
