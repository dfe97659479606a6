package io.longshore.platform.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCalls;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** In JVMs of their own, as services run. */
@Timeout(60)
final class ServiceMainTest {
  @TempDir private Path folder;
  private final List<Process> processes = new ArrayList<>();

  @AfterEach
  void endProcesses() {
    processes.forEach(Process::destroyForcibly);
  }

  @Test
  void startsAndStopsAtSigterm() throws Exception {
    Process service = run(Map.of());
    List<String> lines = readUntil(service, "example-service has started");
    sigterm(service);
    lines.addAll(readUntil(service, "example-service has stopped"));

    assertThat(service.waitFor()).isEqualTo(143);
    assertThat(String.join("\n", lines))
        .containsSubsequence(
            "example listens on 127.0.0.1:",
            "second starts | in two lines",
            "has started",
            "second stops");
    assertThat(lines)
        .allMatch(
            line ->
                line.matches(
                    "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z (INFO |WARN ) example-service"
                        + " (-|[0-9a-f]{32}) \\w+ .*"));
    assertThat(lines)
        .anyMatch(line -> line.matches(".* [0-9a-f]{32} ExampleService second starts.*"));
  }

  @Test
  void exitsWithOneLineIfTheConfigurationHasAnUnknownKey() throws Exception {
    Path file = folder.resolve("x.conf");
    Files.writeString(file, "example-service.typo = 1");

    Process service = run(Map.of(), "--config", file.toString());

    assertThat(service.waitFor()).isEqualTo(2);
    assertThat(allOf(service))
        .singleElement()
        .asString()
        .startsWith("example-service: ")
        .contains("unknown key 'example-service.typo'");
  }

  @Test
  void exitsWithOneLineIfTheArgumentsAreWrong() throws Exception {
    Process service = run(Map.of(), "--confg", "x");

    assertThat(service.waitFor()).isEqualTo(2);
    assertThat(allOf(service)).singleElement().asString().contains("usage: [--config FILE]");
  }

  @Test
  void exitsIfAComponentDoesNotStart() throws Exception {
    Path file = folder.resolve("x.conf");
    Files.writeString(file, "example-service.fail-at-start = true");

    Process service = run(Map.of(), "--config", file.toString());

    assertThat(service.waitFor()).isEqualTo(1);
    assertThat(String.join("\n", allOf(service)))
        .containsSubsequence("second stops", "Cannot start: told to fail");
  }

  @Test
  void sendsItsSpansToTheEndpointThatTheEnvironmentNames() throws Exception {
    BlockingQueue<String> exports = new ArrayBlockingQueue<>(10);
    GrpcServer collector =
        GrpcServer.builder("collector", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
            .add(collecting(exports))
            .build();
    collector.start();
    try {
      Process service = run(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://" + collector.address()));
      readUntil(service, "has started");
      sigterm(service);
      List<String> lines = readUntil(service, "has stopped");

      // Flushed while stopping, without waiting for the exporter's schedule.
      assertThat(exports.poll(10, TimeUnit.SECONDS))
          .contains("service.name")
          .contains("example-service")
          .contains("example-span");
      assertThat(lines).noneMatch(line -> line.contains("WARN"));
    } finally {
      collector.stop();
    }
  }

  private Process run(Map<String, String> environment, String... args) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ExampleService.class.getName()));
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("OTEL_"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    processes.add(process);
    return process;
  }

  // Process.destroy() would also close the streams that are still to be read.
  private static void sigterm(Process process) {
    assertThat(ProcessHandle.of(process.pid()).orElseThrow().destroy()).isTrue();
  }

  private static List<String> readUntil(Process process, String text) throws IOException {
    List<String> lines = new ArrayList<>();
    BufferedReader reader = process.inputReader(UTF_8);
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      lines.add(line);
      if (line.contains(text)) {
        return lines;
      }
    }
    throw new AssertionError("no '" + text + "' in: " + String.join("\n", lines));
  }

  private static List<String> allOf(Process process) {
    return process.inputReader(UTF_8).lines().toList();
  }

  /** The trace service of OTLP, as far as this test needs it: takes the bytes of every export. */
  private static ServerServiceDefinition collecting(BlockingQueue<String> exports) {
    MethodDescriptor<byte[], byte[]> export =
        MethodDescriptor.<byte[], byte[]>newBuilder(new Bytes(), new Bytes())
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("opentelemetry.proto.collector.trace.v1.TraceService/Export")
            .build();
    return ServerServiceDefinition.builder("opentelemetry.proto.collector.trace.v1.TraceService")
        .addMethod(
            export,
            ServerCalls.asyncUnaryCall(
                (request, observer) -> {
                  exports.add(new String(request, UTF_8));
                  observer.onNext(new byte[0]);
                  observer.onCompleted();
                }))
        .build();
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
