package io.longshore.platform.telemetry;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A trace context as a string that can be stored (W3C {@code traceparent}), so that a restarted
 * service goes on in the trace.
 */
public final class TraceParent {
  private static final String KEY = "traceparent";
  private static final TextMapGetter<Map<String, String>> GETTER =
      new TextMapGetter<>() {
        @Override
        @SuppressWarnings("deprecation") // Deprecated, and still to be implemented.
        public Iterable<String> keys(Map<String, String> carrier) {
          return carrier.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Map<String, String> carrier, String key) {
          return carrier == null ? null : carrier.get(key);
        }
      };

  private TraceParent() {}

  /** The span of the context; empty if it has none. */
  public static String of(Context context) {
    Map<String, String> carrier = new HashMap<>();
    W3CTraceContextPropagator.getInstance()
        .inject(
            context,
            carrier,
            (map, key, value) -> {
              if (map != null) {
                map.put(key, value);
              }
            });
    return carrier.getOrDefault(KEY, "");
  }

  /**
   * A context to be a span's explicit parent; the root context for an empty or malformed string.
   */
  public static Context parse(String traceparent) {
    return W3CTraceContextPropagator.getInstance()
        .extract(Context.root(), Map.of(KEY, traceparent), GETTER);
  }

  /**
   * The trace id of the context, 32 hex digits; empty if it has no span or the span is not sampled.
   */
  public static String traceId(Context context) {
    SpanContext span = Span.fromContext(context).getSpanContext();
    return span.isValid() && span.isSampled() ? span.getTraceId() : "";
  }
}
