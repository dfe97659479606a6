package io.longshore.platform.rpc;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.function.Supplier;

/**
 * Makes the caller's trace context current in every callback of a call, under a span of the call if
 * it is traced. Names and attributes: OpenTelemetry's semantic conventions for gRPC.
 */
final class ServerTracing implements ServerInterceptor {
  private final OpenTelemetry telemetry;
  private final Tracer tracer;

  ServerTracing(OpenTelemetry telemetry) {
    this.telemetry = telemetry;
    this.tracer = telemetry.getTracer("io.longshore.rpc");
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    Context caller =
        telemetry
            .getPropagators()
            .getTextMapPropagator()
            .extract(Context.root(), headers, TracedCalls.GETTER);
    if (!TracedCalls.hasSpan(call.getMethodDescriptor())) {
      return inContext(caller, () -> new InContext<>(next.startCall(call, headers), caller));
    }
    String method = call.getMethodDescriptor().getFullMethodName();
    Span span =
        tracer
            .spanBuilder(method)
            .setParent(caller)
            .setSpanKind(SpanKind.SERVER)
            .setAttribute("rpc.system.name", "grpc")
            .setAttribute("rpc.method", method)
            .startSpan();
    Context context = caller.with(span);
    ServerCall<Q, R> traced =
        new SimpleForwardingServerCall<>(call) {
          @Override
          public void close(Status status, Metadata trailers) {
            record(span, status);
            super.close(status, trailers);
          }
        };
    return inContext(
        context,
        () -> new Ending<>(new InContext<>(next.startCall(traced, headers), context), span));
  }

  private static void record(Span span, Status status) {
    span.setAttribute("rpc.response.status_code", status.getCode().name());
    if (!status.isOk()) {
      span.setStatus(StatusCode.ERROR, String.valueOf(status.getDescription()));
    }
  }

  private static <T> T inContext(Context context, Supplier<T> action) {
    return context.wrapSupplier(action).get();
  }

  /** Ends the span when gRPC is done with the call, which it always tells. */
  private static final class Ending<Q> extends SimpleForwardingServerCallListener<Q> {
    private final Span span;

    Ending(ServerCall.Listener<Q> delegate, Span span) {
      super(delegate);
      this.span = span;
    }

    @Override
    public void onComplete() {
      try {
        super.onComplete();
      } finally {
        span.end();
      }
    }

    @Override
    public void onCancel() {
      record(span, Status.CANCELLED);
      try {
        super.onCancel();
      } finally {
        span.end();
      }
    }
  }

  /** Callbacks with the context current. */
  private static final class InContext<Q> extends SimpleForwardingServerCallListener<Q> {
    private final Context context;

    InContext(ServerCall.Listener<Q> delegate, Context context) {
      super(delegate);
      this.context = context;
    }

    @Override
    public void onMessage(Q message) {
      context.wrap(() -> super.onMessage(message)).run();
    }

    @Override
    public void onHalfClose() {
      context.wrap(super::onHalfClose).run();
    }

    @Override
    public void onReady() {
      context.wrap(super::onReady).run();
    }

    @Override
    public void onCancel() {
      context.wrap(super::onCancel).run();
    }

    @Override
    public void onComplete() {
      context.wrap(super::onComplete).run();
    }
  }
}
