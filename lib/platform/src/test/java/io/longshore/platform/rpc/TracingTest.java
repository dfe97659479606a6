package io.longshore.platform.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.longshore.agent.v1.HeartbeatRequest;
import io.longshore.agent.v1.HeartbeatResponse;
import io.longshore.agent.v1.NodeRegistryServiceGrpc;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.v1.CreateMigrationRequest;
import io.longshore.v1.CreateMigrationResponse;
import io.longshore.v1.MigrationServiceGrpc;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class TracingTest {
  private final InMemorySpanExporter spans = InMemorySpanExporter.create();
  private final OpenTelemetrySdk telemetry =
      OpenTelemetrySdk.builder()
          .setTracerProvider(
              SdkTracerProvider.builder()
                  .addSpanProcessor(SimpleSpanProcessor.create(spans))
                  .build())
          .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
          .build();
  private final BlockingQueue<Span> current = new ArrayBlockingQueue<>(10);
  private final GrpcServer server =
      GrpcServer.builder("test", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .add(new Creating())
          .add(new Registry())
          .telemetry(telemetry)
          .build();
  private ManagedChannel channel;

  @BeforeEach
  void start() throws Exception {
    server.start();
    channel =
        new GrpcChannels(telemetry, new PlaintextOnLoopback())
            .open(Destination.coordinator(server.address()), "test-client");
  }

  @AfterEach
  void stop() throws Exception {
    GrpcChannels.close(channel, Duration.ofSeconds(1));
    server.stop();
    telemetry.close();
  }

  @Test
  void makesTheCallersSpanTheAncestorOfWhatTheServiceDoes() throws Exception {
    Span root = telemetry.getTracer("test").spanBuilder("root").startSpan();
    try (Scope scope = root.makeCurrent()) {
      assertThat(scope).isNotNull();
      create("good");
    }
    root.end();
    Awaitility.await().until(() -> spans.getFinishedSpanItems().size() == 3);

    SpanData client = span(SpanKind.CLIENT);
    SpanData serving = span(SpanKind.SERVER);
    assertThat(client.getParentSpanId()).isEqualTo(root.getSpanContext().getSpanId());
    assertThat(serving.getParentSpanId()).isEqualTo(client.getSpanId());
    assertThat(serving.getName()).isEqualTo("longshore.v1.MigrationService/CreateMigration");
    assertThat(current.take().getSpanContext().getSpanId()).isEqualTo(serving.getSpanId());
  }

  @Test
  void marksTheSpansOfACallThatFailed() {
    assertThatThrownBy(() -> create("bad")).isInstanceOf(StatusRuntimeException.class);
    Awaitility.await().until(() -> spans.getFinishedSpanItems().size() == 2);

    assertThat(spans.getFinishedSpanItems())
        .allSatisfy(
            span ->
                assertThat(span.getStatus())
                    .isEqualTo(
                        StatusData.create(
                            io.opentelemetry.api.trace.StatusCode.ERROR, "bad is not a spec")));
  }

  @Test
  void makesNoSpansOfHeartbeatsButPassesTheContextOn() throws Exception {
    Span root = telemetry.getTracer("test").spanBuilder("root").startSpan();
    try (Scope scope = root.makeCurrent()) {
      assertThat(scope).isNotNull();
      var _ =
          NodeRegistryServiceGrpc.newBlockingStub(channel)
              .heartbeat(HeartbeatRequest.getDefaultInstance());
    }
    GrpcChannels.close(channel, Duration.ofSeconds(1));
    server.stop();

    assertThat(current.take().getSpanContext().getSpanId())
        .isEqualTo(root.getSpanContext().getSpanId());
    assertThat(spans.getFinishedSpanItems()).isEmpty();
  }

  private void create(String requestId) {
    var _ =
        MigrationServiceGrpc.newBlockingStub(channel)
            .createMigration(CreateMigrationRequest.newBuilder().setRequestId(requestId).build());
  }

  private SpanData span(SpanKind kind) {
    return spans.getFinishedSpanItems().stream()
        .filter(s -> s.getKind() == kind)
        .findFirst()
        .orElseThrow();
  }

  private final class Creating extends MigrationServiceGrpc.MigrationServiceImplBase {
    @Override
    public void createMigration(
        CreateMigrationRequest request, StreamObserver<CreateMigrationResponse> observer) {
      current.add(Span.current());
      if (request.getRequestId().equals("bad")) {
        throw new LongshoreException(Reason.INVALID_ARGUMENT, "bad is not a spec");
      }
      observer.onNext(CreateMigrationResponse.getDefaultInstance());
      observer.onCompleted();
    }
  }

  private final class Registry extends NodeRegistryServiceGrpc.NodeRegistryServiceImplBase {
    @Override
    public void heartbeat(HeartbeatRequest request, StreamObserver<HeartbeatResponse> observer) {
      current.add(Span.current());
      observer.onNext(HeartbeatResponse.getDefaultInstance());
      observer.onCompleted();
    }
  }
}
