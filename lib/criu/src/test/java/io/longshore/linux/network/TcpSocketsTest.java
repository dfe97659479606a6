package io.longshore.linux.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.linux.FileDescriptorHandle;
import io.longshore.linux.Pidfd;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class TcpSocketsTest {
  private static final int ESTABLISHED = 1;

  @Test
  void layoutOfALinkAddressIsThatOfItsHeader() {
    assertThat(PacketSocket.SOCKADDR_LL.byteSize()).isEqualTo(20);
  }

  @Test
  void findsTheConnectionsOfAProcess() throws Exception {
    try (Conversation conversation = new Conversation()) {
      List<TcpSocket> sockets = TcpSockets.of(conversation.pid());
      assertThat(sockets).hasSize(1);
      TcpSocket socket = sockets.getFirst();
      assertThat(socket.state()).isEqualTo(ESTABLISHED);
      assertThat(socket.listens()).isFalse();
      assertThat(socket.remote())
          .isEqualTo(
              new InetSocketAddress(
                  InetAddress.ofLiteral("127.0.0.1"), conversation.server.getLocalPort()));
      assertThat(socket.local())
          .isEqualTo(
              new InetSocketAddress(
                  InetAddress.ofLiteral("127.0.0.1"), conversation.socket.getPort()));
      assertThat(socket.descriptor()).isEqualTo(3);

      assertThat(TcpSockets.of((int) ProcessHandle.current().pid()))
          .anySatisfy(
              listening -> {
                assertThat(listening.listens()).isTrue();
                assertThat(listening.local().getPort())
                    .isEqualTo(conversation.server.getLocalPort());
              });
    }
  }

  @Test
  void endsRepairModeOfAStoppedProcessAndItsConnectionGoesOn() throws Exception {
    try (Conversation conversation = new Conversation();
        Pidfd pidfd = Pidfd.open(conversation.pid())) {
      assertThat(conversation.ask("one")).isEqualTo("got one");
      pidfd.signal(Pidfd.SIGSTOP);
      try (FileDescriptorHandle socket = pidfd.duplicateDescriptor(3)) {
        PacketSocket.setIntOption(socket, PacketSocket.IPPROTO_TCP, PacketSocket.TCP_REPAIR, 1);
      }

      assertThat(TcpSockets.endRepair(conversation.pid())).isEqualTo(1);
      assertThat(TcpSockets.endRepair(conversation.pid())).isZero();

      try (FileDescriptorHandle socket = pidfd.duplicateDescriptor(3)) {
        assertThat(
                PacketSocket.intOption(socket, PacketSocket.IPPROTO_TCP, PacketSocket.TCP_REPAIR))
            .isZero();
      }
      pidfd.signal(Pidfd.SIGCONT);
      assertThat(conversation.ask("two")).isEqualTo("got two");
    }
  }

  /** A process with one connection to this JVM and a UNIX and a UDP socket besides. */
  private static final class Conversation implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
    private final Process process;
    private final Socket socket;
    private final BufferedReader answers;

    Conversation() throws Exception {
      process =
          new ProcessBuilder(
                  "bash",
                  "-c",
                  "exec 4<>/dev/udp/127.0.0.1/9; exec 3<>/dev/tcp/127.0.0.1/%d; while read -r l <&3; do echo \"got $l\" >&3; done"
                      .formatted(server.getLocalPort()))
              .start();
      server.setSoTimeout(10_000);
      socket = server.accept();
      socket.setSoTimeout(10_000);
      answers =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      // Once around, so that the descriptors are where they stay.
      assertThat(ask("zero")).isEqualTo("got zero");
    }

    int pid() {
      return (int) process.pid();
    }

    String ask(String line) throws Exception {
      socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
      return answers.readLine();
    }

    @Override
    public void close() throws IOException {
      process.destroyForcibly().onExit().join();
      socket.close();
      server.close();
    }
  }
}
