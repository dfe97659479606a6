package io.longshore.acceptance.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a server that counts, and miscounts if it is told to. */
class HttpConnectionTest {
  private final Phases phases = new Phases(System.nanoTime());
  private HttpServer server;
  private volatile boolean stopped;
  private volatile int step = 1;
  private int count;

  @BeforeEach
  void startServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/connection-3",
        exchange -> {
          count += step;
          byte[] body = Integer.toString(count).getBytes(StandardCharsets.US_ASCII);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    phases.begin(Phase.BEFORE, System.nanoTime());
  }

  @AfterEach
  void endServer() {
    server.stop(0);
  }

  @Test
  void countsWhatItWasAnswered() throws Exception {
    HttpConnection connection = connect();
    Thread thread = Thread.ofPlatform().start(connection);
    Thread.sleep(300);
    stopped = true;
    thread.join();
    Answers answers = connection.answers();
    assertThat(answers.failed()).isZero();
    assertThat(answers.requests()).isEqualTo(count).isGreaterThan(2);
    assertThat(answers.latencies(Phase.BEFORE).count()).isEqualTo(count);
  }

  @Test
  void countsAnAnswerThatIsNotTheNextAsWrong() throws Exception {
    HttpConnection connection = connect();
    Thread thread = Thread.ofPlatform().start(connection);
    await().atMost(Duration.ofSeconds(10)).until(() -> count > 2);
    // As one that goes on from where it was before.
    step = 0;
    await().atMost(Duration.ofSeconds(10)).until(() -> connection.answers().answeredWrongly() > 1);
    stopped = true;
    thread.join();
    assertThat(connection.answers().isLost()).isFalse();
  }

  @Test
  void isLostWithItsServer() throws Exception {
    HttpConnection connection = connect();
    Thread thread = Thread.ofPlatform().start(connection);
    Thread.sleep(200);
    server.stop(0);
    thread.join();
    assertThat(connection.answers().isLost()).isTrue();
    assertThat(connection.answers().failed()).isEqualTo(1);
  }

  private HttpConnection connect() throws IOException {
    Socket socket = new Socket(server.getAddress().getAddress(), server.getAddress().getPort());
    return new HttpConnection(3, socket, 1_000_000, phases, () -> stopped);
  }
}
