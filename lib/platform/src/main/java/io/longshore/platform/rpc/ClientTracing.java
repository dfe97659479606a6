package io.longshore.platform.rpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;

/**
 * Passes the current trace context on with every call, under a span of the call if it is traced.
 */
final class ClientTracing implements ClientInterceptor {
  private final OpenTelemetry telemetry;
  private final Tracer tracer;

  ClientTracing(OpenTelemetry telemetry) {
    this.telemetry = telemetry;
    this.tracer = telemetry.getTracer("io.longshore.rpc");
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    Context parent = Context.current();
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        if (!TracedCalls.hasSpan(method)) {
          inject(parent, headers);
          super.start(listener, headers);
          return;
        }
        Span span =
            tracer
                .spanBuilder(method.getFullMethodName())
                .setParent(parent)
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute("rpc.system.name", "grpc")
                .setAttribute("rpc.method", method.getFullMethodName())
                .startSpan();
        inject(parent.with(span), headers);
        try {
          super.start(new Ending<>(listener, span), headers);
        } catch (RuntimeException | Error e) {
          span.recordException(e).end();
          throw e;
        }
      }
    };
  }

  private void inject(Context context, Metadata headers) {
    telemetry.getPropagators().getTextMapPropagator().inject(context, headers, TracedCalls.SETTER);
  }

  private static final class Ending<R> extends SimpleForwardingClientCallListener<R> {
    private final Span span;

    Ending(ClientCall.Listener<R> delegate, Span span) {
      super(delegate);
      this.span = span;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      span.setAttribute("rpc.response.status_code", status.getCode().name());
      if (!status.isOk()) {
        span.setStatus(StatusCode.ERROR, String.valueOf(status.getDescription()));
      }
      span.end();
      super.onClose(status, trailers);
    }
  }
}
