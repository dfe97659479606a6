package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.platform.error.Reason;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.Strategy;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

final class TraceTest {
  @RegisterExtension
  static final OpenTelemetryExtension TELEMETRY = OpenTelemetryExtension.create();

  @TempDir Path folder;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(folder, TELEMETRY.getOpenTelemetry());
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  private static List<SpanData> named(String traceId, String name) {
    return TELEMETRY.getSpans().stream()
        .filter(span -> span.getTraceId().equals(traceId) && span.getName().equals(name))
        .toList();
  }

  private static SpanData only(String traceId, String name) {
    assertThat(named(traceId, name)).as(name).hasSize(1);
    return named(traceId, name).getFirst();
  }

  private static Long number(SpanData span, String key) {
    return span.getAttributes().get(AttributeKey.longKey(key));
  }

  @Test
  void aMigrationIsOneTraceBelowItsCallerWithASpanForEachPhase() {
    Span caller = TELEMETRY.getOpenTelemetry().getTracer("test").spanBuilder("caller").startSpan();
    Migration migration;
    try (Scope _ = caller.makeCurrent()) {
      migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    }
    caller.end();
    cluster.awaitDone(migration.getId());

    String trace = caller.getSpanContext().getTraceId();
    assertThat(migration.getTraceId()).isEqualTo(trace);
    SpanData root = only(trace, "migration");
    SpanData call =
        named(trace, "longshore.v1.MigrationService/CreateMigration").stream()
            .filter(span -> span.getSpanId().equals(root.getParentSpanId()))
            .findFirst()
            .orElseThrow();
    assertThat(call.getTraceId()).isEqualTo(trace);
    for (String phase : List.of("prepare", "freeze", "restore", "resume", "push", "release")) {
      assertThat(only(trace, phase).getParentSpanId()).as(phase).isEqualTo(root.getSpanId());
    }
    assertThat(number(only(trace, "freeze"), "longshore.image_bytes"))
        .isEqualTo(FakeSource.IMAGE_BYTES);
    assertThat(number(only(trace, "freeze"), "longshore.memory_bytes"))
        .isEqualTo(FakeSource.IMAGE_BYTES + FakeSource.PAGES * 4096);
    assertThat(number(only(trace, "push"), "longshore.pages_sent")).isEqualTo(900);
    assertThat(number(only(trace, "release"), "longshore.demand_faults")).isEqualTo(7);
    // The agents' own spans hang below the phase in which they were called.
    assertAgentSpanBelow(trace, "FreezeWorkload", "freeze", "SourceAgentService");
    assertAgentSpanBelow(trace, "RestoreWorkload", "restore", "TargetAgentService");
    assertAgentSpanBelow(trace, "PushPages", "push", "SourceAgentService");
    assertAgentSpanBelow(trace, "CompleteTarget", "release", "TargetAgentService");
    assertAgentSpanBelow(trace, "ReleaseSource", "release", "SourceAgentService");
  }

  private static void assertAgentSpanBelow(
      String trace, String method, String phase, String service) {
    List<SpanData> both = named(trace, "longshore.agent.v1." + service + "/" + method);
    SpanData client =
        both.stream()
            .filter(span -> span.getKind() == io.opentelemetry.api.trace.SpanKind.CLIENT)
            .findFirst()
            .orElseThrow();
    assertThat(client.getParentSpanId()).isEqualTo(only(trace, phase).getSpanId());
    assertThat(both).anyMatch(span -> span.getParentSpanId().equals(client.getSpanId()));
  }

  @Test
  void stopAndCopyHasATransferAndNoPush() {
    Migration migration = cluster.create(Strategy.STRATEGY_STOP_AND_COPY);
    cluster.awaitDone(migration.getId());

    assertThat(only(migration.getTraceId(), "transfer").getStatus().getStatusCode())
        .isEqualTo(StatusCode.UNSET);
    assertThat(named(migration.getTraceId(), "push")).isEmpty();
    assertThat(named(migration.getTraceId(), "restore")).hasSize(1);
  }

  @Test
  void roundsSayHowItIsKnownWhatIsWritten() {
    Migration migration = cluster.create(Strategy.STRATEGY_HYBRID);
    cluster.awaitDone(migration.getId());

    SpanData rounds = only(migration.getTraceId(), "rounds");
    assertThat(rounds.getAttributes().get(AttributeKey.stringKey("longshore.tracker")))
        .isEqualTo("userfaultfd");
    assertThat(number(rounds, "longshore.rounds")).isEqualTo(3);
  }

  @Test
  void aFailureIsOnThePhaseAndOnTheRoot() {
    cluster.script.fail("FreezeWorkload", 1, Reason.CRIU_DUMP_FAILED);
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    cluster.awaitDone(migration.getId());

    for (String name : List.of("freeze", "migration")) {
      SpanData span = only(migration.getTraceId(), name);
      assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
      assertThat(span.getAttributes().get(AttributeKey.stringKey("error.type")))
          .isEqualTo("CRIU_DUMP_FAILED");
    }
    assertThat(only(migration.getTraceId(), "rollback").getStatus().getStatusCode())
        .isEqualTo(StatusCode.UNSET);
  }

  @Test
  void aRestartedCoordinatorGoesOnWithTheTrace() throws Exception {
    Script.Gate push = cluster.script.hold("PushPages");
    Migration migration = cluster.create(Strategy.STRATEGY_POST_COPY);
    push.awaitReached();
    cluster.awaitState(migration.getId(), State.STATE_PUSHING);
    cluster.stopCoordinator();
    cluster.startCoordinator();
    push.open();
    Migration done = cluster.awaitDone(migration.getId());

    assertThat(done.getTraceId()).isEqualTo(migration.getTraceId());
    List<SpanData> roots = named(migration.getTraceId(), "migration");
    assertThat(roots).hasSize(2);
    assertThat(roots.getLast().getParentSpanId()).isEqualTo(roots.getFirst().getSpanId());
    assertThat(only(migration.getTraceId(), "release").getParentSpanId())
        .isEqualTo(roots.getLast().getSpanId());
  }
}
