package io.longshore.linux.network;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.criu.run.Criu;
import io.longshore.criu.run.Crius;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server in a container's network moves between two made-up hosts, by a real CRIU that is told
 * that the network namespace is external: as the agents are to do it, in one thread.
 */
@Timeout(120)
class ContainerNetworkMoveTest {
  private final List<byte[]> seenByClient = new CopyOnWriteArrayList<>();
  private final List<byte[]> held = new CopyOnWriteArrayList<>();

  @TempDir Path folder;

  @Test
  void connectionsAndTheListeningSocketGoOnAndNobodySeesAReset() throws Exception {
    Criu criu = Crius.both().toList().getLast();
    try (TestHosts hosts = new TestHosts()) {
      String before = TestHosts.traces(hosts.b);
      Process server =
          new ProcessBuilder(
                  "nsenter",
                  "--net=/run/netns/" + hosts.name("container"),
                  "setsid",
                  program().toString(),
                  TestHosts.ADDRESS)
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectOutput(Path.of("/dev/null").toFile())
              .redirectError(Path.of("/dev/null").toFile())
              .start();
      int pid = (int) server.pid();
      NamespaceHold capture = NamespaceHold.begin(hosts.client, seenByClient::add);
      capture.flow();
      try (Socket client = connect(hosts)) {
        assertThat(asks(client)).isEqualTo('1');
        ContainerNetwork network =
            hosts.a.call(() -> NamespaceReader.read(hosts.container)).network();
        PreparedNamespace made =
            hosts.b.call(() -> PreparedNamespace.make(hosts.migration(), network));
        NamespaceLock lock = new NamespaceLock(hosts.container, hosts.migration());
        lock.prepare();
        assertThat(asks(client)).isEqualTo('2');

        List<Long> tree =
            Stream.concat(server.descendants(), Stream.of(server.toHandle()))
                .map(ProcessHandle::pid)
                .toList();
        long frozen = System.nanoTime();
        NamespaceHold hold = NamespaceHold.begin(hosts.container, held::add);
        lock.holdIncoming();
        lock.seal();
        client.getOutputStream().write('x');
        // Not on a thread that the JVM needs to learn of the ends of processes.
        CompletableFuture<Socket> late =
            CompletableFuture.supplyAsync(
                () -> connectLate(hosts), task -> Thread.ofPlatform().daemon().start(task));
        criu(
            criu,
            "dump --tree %d --images-dir %s --tcp-established --network-lock skip"
                    .formatted(pid, folder)
                + " --manage-cgroups=ignore --external net[%s]:extRootNetNS"
                    .formatted(hosts.container.inode()));
        hold.close();
        // What it leaves on its host.
        PreparedNamespace.removeDevices(hosts.container);
        lock.release();

        // Their numbers are needed again, and whoever is to reap them may take its time.
        await()
            .atMost(Duration.ofSeconds(30))
            .until(
                () -> tree.stream().noneMatch(task -> Files.exists(Path.of("/proc", "" + task))));

        made.lock().letOut();
        criu(
            criu,
            "restore --images-dir %s --tcp-established --network-lock skip --restore-detached"
                    .formatted(folder)
                + " --manage-cgroups=ignore --inherit-fd fd[9]:extRootNetNS 9<"
                + made.path());
        made.lock().open();
        long opened = System.nanoTime();
        made.namespace()
            .call(
                () -> {
                  Announcement.send();
                  try (PacketReplay replay = new PacketReplay()) {
                    for (byte[] packet : held) {
                      replay.deliver(packet);
                    }
                  }
                  return true;
                });
        assertThat((char) client.getInputStream().read()).isEqualTo('3');
        System.out.printf(
            "stood still for %d ms, answered %d ms after it was opened%n",
            (System.nanoTime() - frozen) / 1_000_000, (System.nanoTime() - opened) / 1_000_000);
        assertThat(asks(client)).isEqualTo('4');
        try (Socket waited = late.get(20, TimeUnit.SECONDS);
            Socket after = connect(hosts)) {
          assertThat(asks(waited)).isEqualTo('1');
          assertThat(asks(after)).isEqualTo('1');
        }
        made.close();
        hosts.b.call(
            () -> {
              PreparedNamespace.settle(hosts.migration());
              return true;
            });
        assertThat(PreparedNamespace.migrations()).doesNotContain(hosts.migration());
        assertThat(asks(client)).isEqualTo('5');
        assertThat(seenByClient).isNotEmpty().noneMatch(NamespaceLockTest::isReset);
      } finally {
        capture.close();
        ProcessHandle.of(pid)
            .ifPresent(
                root -> {
                  root.descendants().forEach(ProcessHandle::destroyForcibly);
                  root.destroyForcibly();
                });
        hosts.b.call(
            () -> {
              PreparedNamespace.settle(hosts.migration());
              return true;
            });
      }
      // The namespace ends with its last process.
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(TestHosts.traces(hosts.b)).isEqualTo(before));
    }
  }

  private Path program() throws Exception {
    Path source = folder.resolve("echo.c");
    try (var text = ContainerNetworkMoveTest.class.getResourceAsStream("echo.c")) {
      Files.write(source, text.readAllBytes());
    }
    Path program = folder.resolve("echo");
    run("gcc -O2 -static -o %s %s".formatted(program, source));
    return program;
  }

  private void criu(Criu criu, String arguments) throws Exception {
    run("exec %s %s -v4 --log-file %s/log".formatted(criu.executable(), arguments, folder));
  }

  private void run(String script) throws Exception {
    Path output = folder.resolve("output");
    int ended =
        new ProcessBuilder("bash", "-c", script)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start()
            .waitFor();
    Path log = folder.resolve("log");
    assertThat(ended)
        .as(
            "%s%n%s%n%s",
            script, Files.readString(output), Files.exists(log) ? Files.readString(log) : "")
        .isZero();
  }

  private static Socket connect(TestHosts hosts) throws IOException {
    return hosts.client.call(
        () -> {
          long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
          while (true) {
            Socket socket = new Socket();
            try {
              socket.setSoTimeout(20_000);
              socket.connect(
                  new InetSocketAddress(InetAddress.ofLiteral(TestHosts.ADDRESS), 7000), 20_000);
              return socket;
            } catch (java.net.ConnectException e) {
              // The server is about to start.
              socket.close();
              if (System.nanoTime() > deadline) {
                throw e;
              }
            }
          }
        });
  }

  private static Socket connectLate(TestHosts hosts) {
    try {
      return connect(hosts);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static char asks(Socket socket) throws IOException {
    socket.getOutputStream().write("x".getBytes(US_ASCII));
    return (char) socket.getInputStream().read();
  }
}
