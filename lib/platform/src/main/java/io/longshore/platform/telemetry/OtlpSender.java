package io.longshore.platform.telemetry;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.GrpcResponse;
import io.opentelemetry.sdk.common.export.GrpcSender;
import io.opentelemetry.sdk.common.export.GrpcSenderConfig;
import io.opentelemetry.sdk.common.export.GrpcStatusCode;
import io.opentelemetry.sdk.common.export.MessageWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Sends OTLP over the gRPC that the services have anyway. A collector that is not there yet is
 * waited for within the exporter's timeout (OTEL_EXPORTER_OTLP_TIMEOUT, 10 s). An {@code https}
 * endpoint is trusted by the JVM's own certificates.
 */
final class OtlpSender implements GrpcSender {
  private final GrpcSenderConfig config;
  private final MethodDescriptor<byte[], byte[]> method;
  private final ManagedChannel channel;

  OtlpSender(GrpcSenderConfig config) {
    this.config = config;
    this.method =
        MethodDescriptor.<byte[], byte[]>newBuilder(new Bytes(), new Bytes())
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(config.getFullMethodName())
            .build();
    if (config.getTrustManager() != null) {
      throw new IllegalArgumentException(
          "OTEL_EXPORTER_OTLP_CERTIFICATE is not supported; put the certificate into the JVM's trust store");
    }
    URI endpoint = config.getEndpoint();
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget("dns:///" + endpoint.getAuthority()).directExecutor();
    this.channel = (isPlain(endpoint) ? builder.usePlaintext() : builder).build();
  }

  @Override
  public void send(
      MessageWriter message, Consumer<GrpcResponse> onResponse, Consumer<Throwable> onError) {
    byte[] request;
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(message.getContentLength());
      message.writeMessage(bytes);
      request = bytes.toByteArray();
    } catch (IOException e) {
      onError.accept(e);
      return;
    }
    ClientCall<byte[], byte[]> call =
        io.grpc.ClientInterceptors.intercept(
                channel, MetadataUtils.newAttachHeadersInterceptor(headers()))
            .newCall(method, options());
    ClientCalls.asyncUnaryCall(
        call,
        request,
        new StreamObserver<>() {
          @Override
          public void onNext(byte[] response) {
            onResponse.accept(new Answer(Status.OK, response));
          }

          @Override
          public void onError(Throwable thrown) {
            onResponse.accept(new Answer(Status.fromThrowable(thrown), new byte[0]));
          }

          @Override
          public void onCompleted() {}
        });
  }

  /** Lets what was sent arrive. */
  @Override
  public CompletableResultCode shutdown() {
    CompletableResultCode result = new CompletableResultCode();
    channel.shutdown();
    Thread.ofVirtual()
        .name("otlp-shutdown")
        .start(
            () -> {
              try {
                channel.awaitTermination(config.getTimeout().toMillis(), TimeUnit.MILLISECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              channel.shutdownNow();
              result.succeed();
            });
    return result;
  }

  private CallOptions options() {
    CallOptions options =
        CallOptions.DEFAULT
            .withWaitForReady()
            .withDeadlineAfter(config.getTimeout().toMillis(), TimeUnit.MILLISECONDS);
    Compressor compressor = config.getCompressor();
    return compressor == null ? options : options.withCompression(compressor.getEncoding());
  }

  private Metadata headers() {
    Metadata headers = new Metadata();
    Map<String, List<String>> configured = config.getHeadersSupplier().get();
    if (configured != null) {
      configured.forEach(
          (name, values) ->
              values.forEach(
                  value ->
                      headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value)));
    }
    return headers;
  }

  private static boolean isPlain(URI endpoint) {
    return "http".equals(endpoint.getScheme());
  }

  private static final class Answer implements GrpcResponse {
    private final Status status;
    private final byte[] message;

    Answer(Status status, byte[] message) {
      this.status = status;
      this.message = message;
    }

    @Override
    public GrpcStatusCode getStatusCode() {
      return GrpcStatusCode.fromValue(status.getCode().value());
    }

    @Override
    public String getStatusDescription() {
      String description = status.getDescription();
      return description == null ? "" : description;
    }

    @Override
    public byte[] getResponseMessage() {
      return message;
    }
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
