package io.longshore.linux.network;

import java.net.InetSocketAddress;

/**
 * A TCP socket of a process; proc_pid_net(5).
 *
 * @param descriptor a descriptor of the process that refers to it
 * @param local its own end
 * @param remote the other end; port 0 while it listens
 * @param state as the kernel numbers it (net/tcp_states.h)
 */
public record TcpSocket(
    int descriptor, InetSocketAddress local, InetSocketAddress remote, int state) {
  private static final int LISTEN = 10;

  /** Whether it waits for connections. */
  public boolean listens() {
    return state == LISTEN;
  }
}
