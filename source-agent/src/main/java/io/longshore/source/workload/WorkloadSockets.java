package io.longshore.source.workload;

import io.longshore.agent.workload.TcpSocketFacts;
import io.longshore.criu.CriuVersion;
import io.longshore.linux.ProcessTree;
import io.longshore.linux.Task;
import io.longshore.linux.network.ServiceAddress;
import io.longshore.linux.network.TcpSocket;
import io.longshore.linux.network.TcpSockets;
import io.longshore.platform.error.Problem;
import io.longshore.platform.error.Reason;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The TCP sockets of a workload.
 *
 * @param tcp all of them
 * @param staying the local ends of connections whose address stays behind
 */
record WorkloadSockets(List<TcpSocketFacts> tcp, List<InetSocketAddress> staying) {
  /**
   * Linux 6.16 refuses two socket options on sockets other than unix ones, which CRIU reads of
   * every socket before this version.
   */
  private static final CriuVersion READS_ONLY_UNIX_OPTIONS = new CriuVersion(4, 2, 0);

  WorkloadSockets {
    tcp = List.copyOf(tcp);
    staying = List.copyOf(staying);
  }

  static WorkloadSockets of(ProcessTree tree, List<ServiceAddress> moving) throws IOException {
    List<TcpSocket> sockets = new ArrayList<>();
    for (Task task : tree.tasks()) {
      try {
        sockets.addAll(TcpSockets.of(task.pid()));
      } catch (NoSuchFileException e) {
        // It has ended, or is a zombie without descriptors.
      }
    }
    Set<InetSocketAddress> inside = new HashSet<>();
    sockets.stream().filter(socket -> !socket.listens()).map(TcpSocket::local).forEach(inside::add);
    Set<InetAddress> movingAddresses = new HashSet<>();
    moving.forEach(address -> movingAddresses.add(address.address()));
    List<TcpSocketFacts> tcp = new ArrayList<>();
    List<InetSocketAddress> staying = new ArrayList<>();
    for (TcpSocket socket : sockets) {
      boolean internal = inside.contains(socket.remote());
      tcp.add(
          new TcpSocketFacts(
              socket.local().getAddress().getHostAddress(),
              socket.local().getPort(),
              !socket.listens(),
              internal));
      if (!socket.listens()
          && !internal
          && !movingAddresses.contains(socket.local().getAddress())) {
        staying.add(socket.local());
      }
    }
    return new WorkloadSockets(tcp, staying);
  }

  /** What cannot move. */
  List<Problem> problems(Optional<CriuVersion> criu) {
    List<Problem> problems = new ArrayList<>();
    if (!staying.isEmpty()) {
      InetSocketAddress first = staying.getFirst();
      problems.add(
          new Problem(
              Reason.TCP_ADDRESS_DOES_NOT_MOVE,
              "%d established connections are on addresses that stay, the first on %s:%d"
                  .formatted(staying.size(), first.getAddress().getHostAddress(), first.getPort()),
              Map.of("address", first.getAddress().getHostAddress())));
    }
    if (!tcp.isEmpty()
        && criu.isPresent()
        && !criu.get().isAtLeast(READS_ONLY_UNIX_OPTIONS)
        && Kernel.refusesUnixOptions()) {
      problems.add(
          new Problem(
              Reason.CRIU_INCOMPATIBLE,
              "CRIU %s on the source cannot dump TCP sockets on its kernel; 4.2 and newer can"
                  .formatted(criu.get())));
    }
    return problems;
  }
}
