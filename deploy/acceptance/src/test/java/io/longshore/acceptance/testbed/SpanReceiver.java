package io.longshore.acceptance.testbed;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceGrpc;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;

/** Receives spans by OTLP over gRPC, on loopback. Threads: any. */
final class SpanReceiver implements AutoCloseable {
  /** A span as a test needs it; ids in hexadecimal digits. */
  record ReceivedSpan(
      String service,
      String name,
      String traceId,
      String spanId,
      String parentId,
      long startNanos,
      long endNanos,
      boolean failed,
      Map<String, String> attributes) {
    ReceivedSpan {
      attributes = Map.copyOf(attributes);
    }
  }

  private final Queue<ReceivedSpan> spans = new ConcurrentLinkedQueue<>();
  private final Server server;

  private SpanReceiver() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(
                new TraceServiceGrpc.TraceServiceImplBase() {
                  @Override
                  public void export(
                      ExportTraceServiceRequest request,
                      StreamObserver<ExportTraceServiceResponse> answer) {
                    request.getResourceSpansList().forEach(SpanReceiver.this::receive);
                    answer.onNext(ExportTraceServiceResponse.getDefaultInstance());
                    answer.onCompleted();
                  }
                })
            .build()
            .start();
  }

  static SpanReceiver start() throws IOException {
    return new SpanReceiver();
  }

  String endpoint() {
    return "http://127.0.0.1:" + server.getPort();
  }

  /** All spans of a trace that have arrived so far. */
  List<ReceivedSpan> ofTrace(String traceId) {
    return spans.stream().filter(span -> span.traceId().equals(traceId)).toList();
  }

  private void receive(ResourceSpans resource) {
    String service =
        attributes(resource.getResource().getAttributesList()).getOrDefault("service.name", "");
    for (ScopeSpans scope : resource.getScopeSpansList()) {
      for (Span span : scope.getSpansList()) {
        HexFormat hex = HexFormat.of();
        spans.add(
            new ReceivedSpan(
                service,
                span.getName(),
                hex.formatHex(span.getTraceId().toByteArray()),
                hex.formatHex(span.getSpanId().toByteArray()),
                hex.formatHex(span.getParentSpanId().toByteArray()),
                span.getStartTimeUnixNano(),
                span.getEndTimeUnixNano(),
                span.getStatus().getCode()
                    == io.opentelemetry.proto.trace.v1.Status.StatusCode.STATUS_CODE_ERROR,
                attributes(span.getAttributesList())));
      }
    }
  }

  private static Map<String, String> attributes(List<KeyValue> attributes) {
    return attributes.stream()
        .collect(
            Collectors.toMap(
                KeyValue::getKey,
                attribute ->
                    switch (attribute.getValue().getValueCase()) {
                      case STRING_VALUE -> attribute.getValue().getStringValue();
                      case INT_VALUE -> Long.toString(attribute.getValue().getIntValue());
                      case DOUBLE_VALUE -> Double.toString(attribute.getValue().getDoubleValue());
                      case BOOL_VALUE -> Boolean.toString(attribute.getValue().getBoolValue());
                      case ARRAY_VALUE,
                          KVLIST_VALUE,
                          BYTES_VALUE,
                          STRING_VALUE_STRINDEX,
                          VALUE_NOT_SET ->
                          attribute.getValue().toString();
                    }));
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
