package io.longshore.source.restart;

import io.grpc.ManagedChannel;
import io.longshore.agent.v1.SourceAgentServiceGrpc;
import io.longshore.agent.v1.SourceAgentServiceGrpc.SourceAgentServiceBlockingStub;
import io.longshore.platform.rpc.Destination;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.tls.Role;
import io.longshore.platform.value.HostPort;
import io.longshore.source.app.SourceAgentMain;
import io.opentelemetry.api.OpenTelemetry;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A source-agent as it is deployed: in a JVM of its own, which can be killed. */
final class AgentProcess {
  private final Process process;
  private final ManagedChannel channel;

  private AgentProcess(Process process, ManagedChannel channel) {
    this.process = process;
    this.channel = channel;
  }

  /** Starts one and waits until it serves. */
  static AgentProcess start(Path folder, Path work, Path journal) throws Exception {
    HostPort listen = new HostPort("127.0.0.1", freePort());
    Path config = folder.resolve("agent.conf");
    Files.writeString(
        config,
        """
        source-agent {
          node = "a"
          listen = "%s"
          coordinator = "127.0.0.1:1"
          criu = "%s"
          work-folder = "%s"
          journal-folder = "%s"
          tls.plaintext-on-loopback = true
        }
        """
            .formatted(listen, criu(), work, journal));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                SourceAgentMain.class.getName(),
                "--config",
                config.toString())
            .redirectErrorStream(true)
            .start();
    awaitStarted(process);
    return new AgentProcess(
        process,
        new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback())
            .open(Destination.agent(Role.SOURCE_AGENT, "a", listen), "coordinator"));
  }

  /** The CRIU that the tests run with. */
  static Path criu() {
    String name = "LONGSHORE_CRIU_4_2";
    String path = System.getProperty(name, System.getenv(name));
    if (path == null || !Files.isExecutable(Path.of(path))) {
      throw new AssertionError(name + " names no CRIU: run deploy/setup --for-tests");
    }
    return Path.of(path);
  }

  SourceAgentServiceBlockingStub calls() {
    return SourceAgentServiceGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  /** SIGKILL. */
  void kill() throws InterruptedException {
    channel.shutdownNow();
    process.destroyForcibly();
    process.waitFor(10, TimeUnit.SECONDS);
  }

  void close() throws InterruptedException {
    kill();
  }

  private static void awaitStarted(Process process) throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    List<String> output = Collections.synchronizedList(new ArrayList<>());
    BufferedReader lines = process.inputReader();
    Thread.ofVirtual()
        .name("agent-output")
        .start(
            () -> {
              try {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                  output.add(line);
                  // To the test's report: what an agent did that was killed cannot be asked later.
                  System.out.println("agent: " + line);
                  if (line.contains("source-agent has started")) {
                    started.countDown();
                  }
                }
              } catch (IOException e) {
                output.add(e.toString());
              }
            });
    if (!started.await(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the agent did not start: " + output);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }
}
