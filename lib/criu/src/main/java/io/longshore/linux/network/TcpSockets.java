package io.longshore.linux.network;

import io.longshore.linux.Errno;
import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.Pidfd;
import io.longshore.linux.SystemCallException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** The TCP sockets of a process; proc_pid_net(5), tcp(7). */
public final class TcpSockets {
  private static final Set<Integer> INTERNET = Set.of(PacketSocket.AF_INET, PacketSocket.AF_INET6);

  private TcpSockets() {}

  /** All that its descriptors refer to. Closed and unbound ones are not seen. */
  public static List<TcpSocket> of(int pid) throws IOException {
    Map<Long, Integer> descriptors = descriptors(pid);
    List<TcpSocket> sockets = new ArrayList<>();
    for (String table : List.of("tcp", "tcp6")) {
      for (String line : lines(Path.of("/proc", Integer.toString(pid), "net", table))) {
        String[] fields = line.strip().split(" +", -1);
        Integer descriptor = descriptors.get(Long.valueOf(fields[9]));
        if (descriptor != null) {
          sockets.add(
              new TcpSocket(
                  descriptor,
                  endpoint(fields[1]),
                  endpoint(fields[2]),
                  Integer.parseInt(fields[3], 16)));
        }
      }
    }
    return sockets;
  }

  /**
   * Ends the repair mode in which a dump left a process's sockets: without that they neither send
   * nor receive. The process need not be able to run. Sockets that are not in repair mode are left
   * alone.
   *
   * @return how many were in repair mode
   */
  public static int endRepair(int pid) throws IOException {
    int ended = 0;
    try (Pidfd process = Pidfd.open(pid)) {
      // Not only those of(pid) sees: a socket may be of another network namespace than its process.
      for (int descriptor : descriptors(pid).values()) {
        try (FileDescriptorHandle duplicate = process.duplicateDescriptor(descriptor)) {
          if (isTcp(duplicate)
              && PacketSocket.intOption(
                      duplicate, PacketSocket.IPPROTO_TCP, PacketSocket.TCP_REPAIR)
                  != 0) {
            PacketSocket.setIntOption(
                duplicate, PacketSocket.IPPROTO_TCP, PacketSocket.TCP_REPAIR, 0);
            ended++;
          }
        } catch (SystemCallException e) {
          if (e.errno() != Errno.EBADF) { // closed meanwhile
            throw e;
          }
        }
      }
    }
    return ended;
  }

  private static boolean isTcp(FileDescriptorHandle socket) throws SystemCallException {
    return PacketSocket.intOption(socket, PacketSocket.SOL_SOCKET, PacketSocket.SO_PROTOCOL)
            == PacketSocket.IPPROTO_TCP
        && INTERNET.contains(
            PacketSocket.intOption(socket, PacketSocket.SOL_SOCKET, PacketSocket.SO_DOMAIN));
  }

  private static Map<Long, Integer> descriptors(int pid) throws IOException {
    Map<Long, Integer> descriptors = new HashMap<>();
    try (Stream<Path> links = Files.list(Path.of("/proc", Integer.toString(pid), "fd"))) {
      for (Path link : links.toList()) {
        try {
          String target = Files.readSymbolicLink(link).toString();
          if (target.startsWith("socket:[")) {
            descriptors.put(
                Long.valueOf(target.substring("socket:[".length(), target.length() - 1)),
                Integer.valueOf(link.getFileName().toString()));
          }
        } catch (NoSuchFileException e) {
          // Closed meanwhile.
        }
      }
    }
    return descriptors;
  }

  private static List<String> lines(Path table) throws IOException {
    try {
      List<String> lines = Files.readAllLines(table);
      return lines.subList(Math.min(1, lines.size()), lines.size());
    } catch (NoSuchFileException e) {
      // A kernel without IPv6 has no tcp6.
      return List.of();
    }
  }

  /** Addresses are written as numbers of four bytes in the host's order, ports in the network's. */
  private static InetSocketAddress endpoint(String text) throws UnknownHostException {
    int colon = text.indexOf(':');
    ByteBuffer address = ByteBuffer.allocate(colon / 2).order(ByteOrder.nativeOrder());
    for (int i = 0; i < colon; i += 8) {
      address.putInt(Integer.parseUnsignedInt(text.substring(i, i + 8), 16));
    }
    return new InetSocketAddress(
        InetAddress.getByAddress(address.array()), Integer.parseInt(text.substring(colon + 1), 16));
  }
}
