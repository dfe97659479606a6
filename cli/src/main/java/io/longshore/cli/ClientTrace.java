package io.longshore.cli;

import io.longshore.platform.telemetry.Telemetry;
import io.longshore.platform.telemetry.TraceParent;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.ContextPropagators;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The trace that a run of the command begins or takes part in: a root span of its own if
 * OpenTelemetry is set up by the environment, and the caller's context (TRACEPARENT) as parent.
 * Without either, the coordinator begins the trace; then OpenTelemetry's SDK is not even loaded.
 */
final class ClientTrace implements AutoCloseable {
  private static final List<String> EXPORT_VARIABLES =
      List.of(
          "OTEL_EXPORTER_OTLP_ENDPOINT",
          "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
          "OTEL_TRACES_EXPORTER");

  private final OpenTelemetry openTelemetry;
  private final @Nullable Telemetry telemetry;
  private final Context context;

  private ClientTrace(OpenTelemetry openTelemetry, @Nullable Telemetry telemetry, Context context) {
    this.openTelemetry = openTelemetry;
    this.telemetry = telemetry;
    this.context = context;
  }

  static ClientTrace start(Environment environment) {
    Context parent =
        environment.variable("TRACEPARENT").map(TraceParent::parse).orElse(Context.root());
    if (EXPORT_VARIABLES.stream().noneMatch(name -> environment.variable(name).isPresent())) {
      OpenTelemetry passing =
          OpenTelemetry.propagating(
              ContextPropagators.create(W3CTraceContextPropagator.getInstance()));
      return new ClientTrace(passing, null, parent);
    }
    Telemetry telemetry = Telemetry.start("longshore");
    OpenTelemetry openTelemetry = telemetry.openTelemetry();
    Span root =
        openTelemetry
            .getTracer("io.longshore.cli")
            .spanBuilder("longshore")
            .setParent(parent)
            .startSpan();
    return new ClientTrace(openTelemetry, telemetry, parent.with(root));
  }

  OpenTelemetry telemetry() {
    return openTelemetry;
  }

  /** Does something within the trace. */
  <T> T traced(Supplier<T> action) {
    return context.wrapSupplier(action).get();
  }

  /** Ends the root span and sends it. */
  @Override
  public void close() {
    Span.fromContext(context).end();
    if (telemetry != null) {
      telemetry.close();
    }
  }
}
