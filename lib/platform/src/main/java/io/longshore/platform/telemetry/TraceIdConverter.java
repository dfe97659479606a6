package io.longshore.platform.telemetry;

import ch.qos.logback.classic.pattern.ClassicConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;

/**
 * The trace id of the span that is current where something is logged, or "-". Reads the context
 * itself instead of a copy in the MDC, so that the two cannot disagree; needs an appender that
 * writes on the logging thread.
 */
public final class TraceIdConverter extends ClassicConverter {
  @Override
  public String convert(ILoggingEvent event) {
    SpanContext span = Span.current().getSpanContext();
    return span.isValid() ? span.getTraceId() : "-";
  }
}
