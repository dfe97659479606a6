package io.longshore.platform.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TraceParentTest {
  private static final String SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  @Test
  void writesWhatItReads() {
    assertThat(TraceParent.of(TraceParent.parse(SAMPLED))).isEqualTo(SAMPLED);
  }

  @Test
  void givesTheTraceIdOfASampledSpanOnly() {
    assertThat(TraceParent.traceId(TraceParent.parse(SAMPLED)))
        .isEqualTo("0af7651916cd43dd8448eb211c80319c");
    assertThat(TraceParent.traceId(TraceParent.parse(SAMPLED.replaceAll("1$", "0")))).isEmpty();
    assertThat(TraceParent.traceId(Context.root())).isEmpty();
  }

  @Test
  void isEmptyForAContextWithoutASpan() {
    assertThat(TraceParent.of(Context.root())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "x", "00-0-0-0", "00-00000000000000000000000000000000-b7ad6b7169203331-01"})
  void readsNonsenseAsNoParent(String text) {
    assertThat(Span.fromContext(TraceParent.parse(text)).getSpanContext().isValid()).isFalse();
  }
}
