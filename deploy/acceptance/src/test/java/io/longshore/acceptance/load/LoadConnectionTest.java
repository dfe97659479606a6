package io.longshore.acceptance.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;

/** Against a real Redis on loopback. */
class LoadConnectionTest {
  private static final long FILLED = 4;

  private final Content content = new Content(64);
  private Process server;
  private HostAndPort address;
  private volatile boolean stopped;
  private final Phases phases = new Phases(System.nanoTime());

  @BeforeEach
  void startServer() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    address = new HostAndPort("127.0.0.1", port);
    server =
        new ProcessBuilder("redis-server", "--bind", "127.0.0.1", "--port", "" + port, "--save", "")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    await()
        .atMost(Duration.ofSeconds(10))
        .ignoreExceptions()
        .until(
            () -> {
              try (Connection connection = connect()) {
                return connection.ping();
              }
            });
    try (Connection connection = connect()) {
      for (long number = 0; number < FILLED; number++) {
        byte[] value = content.newValue();
        content.write(Content.filled(number), 0, value);
        connection.sendCommand(Protocol.Command.SET, Content.key(Content.filled(number)), value);
        connection.getStatusCodeReply();
      }
    }
  }

  @AfterEach
  void endServer() throws InterruptedException {
    server.destroyForcibly().waitFor();
  }

  @Test
  void countsWhatItDid() throws InterruptedException {
    LoadConnection load = newLoad();
    Thread thread = Thread.ofPlatform().start(load);
    Thread.sleep(200);
    phases.begin(Phase.DURING, System.nanoTime());
    Thread.sleep(200);
    stopped = true;
    thread.join();
    assertThat(load.answers().failed()).isZero();
    assertThat(load.answers().isLost()).isFalse();
    assertThat(load.answers().latencies(Phase.BEFORE).count()).isPositive();
    assertThat(load.answers().latencies(Phase.DURING).count()).isPositive();
    assertThat(load.answers().requests())
        .isEqualTo(
            load.answers().latencies(Phase.BEFORE).count()
                + load.answers().latencies(Phase.DURING).count());
  }

  @Test
  void seesASilenceAsAGap() throws InterruptedException, IOException {
    LoadConnection load = newLoad();
    Thread thread = Thread.ofPlatform().start(load);
    Thread.sleep(200);
    signal("STOP");
    Thread.sleep(300);
    signal("CONT");
    Thread.sleep(100);
    stopped = true;
    thread.join();
    assertThat(load.answers().failed()).isZero();
    assertThat(Duration.ofNanos(load.answers().gaps(Phase.BEFORE).most()))
        .isBetween(Duration.ofMillis(300), Duration.ofMillis(600));
  }

  @Test
  void countsABrokenConnectionAsLostAndItsRequestAsFailed() throws InterruptedException {
    LoadConnection load = newLoad();
    Thread thread = Thread.ofPlatform().start(load);
    Thread.sleep(100);
    server.destroyForcibly().waitFor();
    thread.join();
    assertThat(load.answers().isLost()).isTrue();
    assertThat(load.answers().failed()).isEqualTo(1);
    assertThat(load.answers().firstError()).isNotNull();
  }

  @Test
  void countsAWrongAnswer() throws InterruptedException {
    overwrite(Content.filled(2));
    LoadConnection load = newLoad();
    Thread thread = Thread.ofPlatform().start(load);
    await().atMost(Duration.ofSeconds(10)).until(() -> load.answers().answeredWrongly() > 0);
    stopped = true;
    thread.join();
    assertThat(load.answers().failed()).isEqualTo(load.answers().answeredWrongly()).isPositive();
    assertThat(load.answers().isLost()).isFalse();
  }

  @Test
  void remembersVersionsForTheCheck(@TempDir Path folder) throws Exception {
    LoadConnection load = newLoad();
    Thread thread = Thread.ofPlatform().start(load);
    Thread.sleep(200);
    stopped = true;
    thread.join();
    Path file = folder.resolve("versions");
    OwnedVersions.save(List.of(load.owned()), file);
    assertThat(Files.readAllLines(file)).hasSize(1);
    OwnedVersions owned = OwnedVersions.load(file).getFirst();
    assertThat(owned.keys()).isEqualTo(5);
    for (int key = 0; key < owned.keys(); key++) {
      assertThat(owned.version(key)).isPositive().isEqualTo(load.owned().version(key));
      assertThat(owned.isUncertain(key)).isFalse();
    }
  }

  private LoadConnection newLoad() {
    phases.begin(Phase.BEFORE, System.nanoTime());
    return new LoadConnection(
        0,
        connect(),
        content,
        new Zipf((int) FILLED, 0),
        new Zipf(5, 0),
        1_000_000,
        5,
        phases,
        () -> stopped);
  }

  private Connection connect() {
    Connection connection =
        new Connection(address, DefaultJedisClientConfig.builder().resp2().build());
    connection.connect();
    return connection;
  }

  private void overwrite(long id) {
    try (Connection connection = connect()) {
      connection.sendCommand(Protocol.Command.SET, Content.key(id), new byte[64]);
      connection.getStatusCodeReply();
    }
  }

  private void signal(String name) throws IOException, InterruptedException {
    assertThat(new ProcessBuilder("kill", "-" + name, "" + server.pid()).start().waitFor())
        .isZero();
  }
}
