package io.longshore.acceptance.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.longshore.acceptance.testbed.SpanReceiver.ReceivedSpan;
import io.longshore.v1.Migration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One trace for each migration, received by real OTLP. */
@OnTestbed
@Order(2)
class TraceTest {
  private static final String CALLER = "00f067aa0ba902b7";

  private final Testbeds testbeds;

  TraceTest(Testbeds testbeds) {
    this.testbeds = testbeds;
  }

  @ParameterizedTest
  @CsvSource({
    "post-copy, 4bf92f3577b34da6a3ce929d0e0e4736, push",
    "stop-and-copy, 4bf92f3577b34da6a3ce929d0e0e4737, transfer"
  })
  void aMigrationIsOneTraceBelowItsCaller(String strategy, String traceId, String sending) {
    Testbed testbed = testbeds.usual();
    try (MemoryWorkload workload = MemoryWorkload.start(testbed, "a", "--size", "32m")) {
      Migration migration =
          Longshore.migration(
              testbed
                  .longshore()
                  .command(
                      "migrate",
                      "--from",
                      "a",
                      "--to",
                      "b",
                      "--pid",
                      "" + workload.pid(),
                      "--strategy",
                      strategy,
                      "--json")
                  .with("TRACEPARENT", "00-" + traceId + "-" + CALLER + "-01")
                  .run()
                  .expectSuccess());
      assertThat(migration.getTraceId()).isEqualTo(traceId);
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(
              () ->
                  assertThat(testbeds.spans().ofTrace(traceId))
                      .extracting(ReceivedSpan::name)
                      .contains(
                          "migration",
                          "prepare",
                          "freeze",
                          sending,
                          "restore",
                          "resume",
                          "release"));
      // Spans of calls may come a little later than the root.
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertTree(testbeds.spans().ofTrace(traceId), migration, sending));
    }
  }

  private static void assertTree(List<ReceivedSpan> spans, Migration migration, String sending) {
    Map<String, ReceivedSpan> byId =
        spans.stream().collect(Collectors.toMap(ReceivedSpan::spanId, Function.identity()));
    ReceivedSpan root = named(spans, "migration");
    assertThat(ancestors(root, byId)).as("ancestors of the migration").endsWith(CALLER);
    assertThat(root.attributes()).containsEntry("longshore.migration_id", migration.getId());
    assertThat(root.attributes())
        .containsEntry(
            "longshore.memory_bytes", Long.toString(migration.getResult().getMemoryBytes()))
        .containsEntry(
            "longshore.bytes_on_wire", Long.toString(migration.getResult().getBytesOnWire()));
    for (String phase : List.of("prepare", "freeze", sending, "restore", "resume", "release")) {
      ReceivedSpan span = named(spans, phase);
      assertThat(span.parentId()).as("parent of %s", phase).isEqualTo(root.spanId());
      assertThat(span.failed()).as("%s failed", phase).isFalse();
      assertThat(span.startNanos())
          .as("start of %s", phase)
          .isBetween(root.startNanos(), root.endNanos());
    }
    assertThat(named(spans, "prepare").attributes().keySet()).contains("longshore.private_bytes");
    assertThat(named(spans, "freeze").attributes().keySet())
        .contains("longshore.image_bytes", "longshore.memory_bytes");
    assertThat(named(spans, sending).attributes())
        .containsEntry("longshore.pages_sent", Long.toString(migration.getResult().getPagesSent()))
        .containsKey("longshore.bytes_on_wire");
    // What the agents did hangs below the coordinator's phases, in the same trace.
    assertThat(spans)
        .extracting(ReceivedSpan::service)
        .contains("coordinator", "source-agent", "target-agent");
    assertThat(spans)
        .filteredOn(span -> span.service().equals("source-agent"))
        .extracting(ReceivedSpan::name)
        .contains(
            "longshore.agent.v1.SourceAgentService/FreezeWorkload",
            "longshore.agent.v1.SourceAgentService/PushPages");
    assertThat(spans)
        .filteredOn(span -> span.service().equals("target-agent"))
        .extracting(ReceivedSpan::name)
        .contains("longshore.agent.v1.TargetAgentService/RestoreWorkload");
    assertThat(spans)
        .filteredOn(span -> span.service().endsWith("-agent"))
        .allSatisfy(
            span ->
                assertThat(ancestorNames(span, byId))
                    .as("ancestors of %s of %s", span.name(), span.service())
                    .contains(whoCalls(span.name(), sending)));
    // Every span but the caller's has its parent here.
    assertThat(spans)
        .allSatisfy(
            span ->
                assertThat(span.parentId().equals(CALLER) || byId.containsKey(span.parentId()))
                    .as("parent of %s of %s is here", span.name(), span.service())
                    .isTrue());
  }

  /**
   * The phase in which the coordinator makes a call to an agent. Before the first one, it plans.
   */
  private static String whoCalls(String method, String sending) {
    return switch (method.substring(method.indexOf('/') + 1)) {
      case "PrepareSource", "PrepareTarget" -> "prepare";
      case "FreezeWorkload" -> "freeze";
      case "PushPages" -> sending;
      case "RestoreWorkload" -> "restore";
      case "ResumeWorkload" -> "resume";
      case "CompleteTarget", "ReleaseSource" -> "release";
      default -> "longshore.v1.MigrationService/CreateMigration";
    };
  }

  private static ReceivedSpan named(List<ReceivedSpan> spans, String name) {
    List<ReceivedSpan> found = spans.stream().filter(span -> span.name().equals(name)).toList();
    assertThat(found).as("spans named %s", name).hasSize(1);
    return found.getFirst();
  }

  private static List<String> ancestors(ReceivedSpan span, Map<String, ReceivedSpan> byId) {
    List<String> ids = new ArrayList<>();
    for (String id = span.parentId(); !id.isEmpty(); ) {
      ids.add(id);
      ReceivedSpan parent = byId.get(id);
      id = parent == null ? "" : parent.parentId();
    }
    return ids;
  }

  private static List<String> ancestorNames(ReceivedSpan span, Map<String, ReceivedSpan> byId) {
    return ancestors(span, byId).stream()
        .filter(byId::containsKey)
        .map(id -> Objects.requireNonNull(byId.get(id)).name())
        .toList();
  }
}
