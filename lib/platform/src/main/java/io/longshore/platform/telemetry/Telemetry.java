package io.longshore.platform.telemetry;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigProperties;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * OpenTelemetry as the standard environment variables (OTEL_*) set it up. Without
 * OTEL_TRACES_EXPORTER, traces go to OTEL_EXPORTER_OTLP_ENDPOINT (or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) over gRPC if that is set, and nowhere else. Metrics and logs
 * are only exported if their own variables say so.
 */
public final class Telemetry implements AutoCloseable {
  private static final Duration FLUSH = Duration.ofSeconds(5);

  private static final SpanProcessor QUIET =
      new SpanProcessor() {
        @Override
        public void onStart(Context parentContext, ReadWriteSpan span) {}

        @Override
        public boolean isStartRequired() {
          return false;
        }

        @Override
        public void onEnd(ReadableSpan span) {}

        @Override
        public boolean isEndRequired() {
          return false;
        }
      };

  private final OpenTelemetrySdk sdk;

  private Telemetry(OpenTelemetrySdk sdk) {
    this.sdk = sdk;
  }

  /** Starts it for a service, by the environment and system properties. */
  public static Telemetry start(String serviceName) {
    return start(serviceName, Map.of());
  }

  /**
   * Starts it for a service with settings ("otel.traces.exporter") that come before the
   * environment's.
   */
  public static Telemetry start(String serviceName, Map<String, String> settings) {
    return new Telemetry(
        AutoConfiguredOpenTelemetrySdk.builder()
            .disableShutdownHook()
            .addPropertiesSupplier(
                () ->
                    Map.of(
                        "otel.service.name", serviceName,
                        "otel.metrics.exporter", "none",
                        "otel.logs.exporter", "none"))
            .addPropertiesCustomizer(
                properties -> {
                  Map<String, String> more = new HashMap<>();
                  if (properties.getString("otel.traces.exporter") == null) {
                    more.put(
                        "otel.traces.exporter", endpoint(properties).isPresent() ? "otlp" : "none");
                  }
                  more.putAll(settings);
                  return more;
                })
            // Without any processor there would be no trace ids, which the logs of all services are
            // to share.
            .addTracerProviderCustomizer((builder, properties) -> builder.addSpanProcessor(QUIET))
            .build()
            .getOpenTelemetrySdk());
  }

  /** What gives tracers. */
  public OpenTelemetry openTelemetry() {
    return sdk;
  }

  /** Sends what is still to be sent, for at most 5 s, and ends. */
  @Override
  public void close() {
    sdk.getSdkTracerProvider().forceFlush().join(FLUSH.toMillis(), TimeUnit.MILLISECONDS);
    sdk.shutdown().join(FLUSH.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static Optional<String> endpoint(ConfigProperties properties) {
    String traces = properties.getString("otel.exporter.otlp.traces.endpoint");
    return Optional.ofNullable(
        traces == null ? properties.getString("otel.exporter.otlp.endpoint") : traces);
  }
}
