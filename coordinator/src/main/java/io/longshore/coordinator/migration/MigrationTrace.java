package io.longshore.coordinator.migration;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.longshore.platform.telemetry.TraceParent;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The spans of one migration: a root, and one for each phase of the work, which lasts as long as an
 * effect of it is wanted; "release" spans the completion of the target and the release of the
 * source, one after the other. A coordinator that takes a migration up opens a new root below the
 * first one, in the same trace. Safe for use by several threads.
 */
final class MigrationTrace {
  private final Tracer tracer;
  private final Span root;
  private final Context rootContext;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Map<String, Span> open = new HashMap<>();

  private MigrationTrace(Tracer tracer, Context parent, String migrationId) {
    this.tracer = tracer;
    this.root =
        tracer
            .spanBuilder("migration")
            .setParent(parent)
            .setAttribute("longshore.migration_id", migrationId)
            .startSpan();
    this.rootContext = parent.with(root);
  }

  /** Opens the root below the caller's context. */
  static MigrationTrace begin(Tracer tracer, Context caller, String migrationId) {
    return new MigrationTrace(tracer, caller, migrationId);
  }

  /** Goes on with the trace of a stored migration. */
  static MigrationTrace takeUp(Tracer tracer, Migration migration) {
    Context parent = TraceParent.parse(migration.traceParent());
    MigrationTrace trace = new MigrationTrace(tracer, parent, migration.id());
    trace.root.setAttribute("longshore.epoch", migration.epoch());
    return trace;
  }

  /** The W3C traceparent of the root, empty if there is none. */
  String traceParent() {
    return TraceParent.of(rootContext);
  }

  /** The context of the root. */
  Context root() {
    return rootContext;
  }

  /** The context an effect runs in: that of its phase's span, which is opened if it is not. */
  Context enter(Effect effect, Phase phase) {
    synchronized (lock) {
      Span span =
          open.computeIfAbsent(
              spanName(effect, phase),
              name -> tracer.spanBuilder(name).setParent(rootContext).startSpan());
      return rootContext.with(span);
    }
  }

  /**
   * Ends the spans that the migration's phase has no more use for; when it is done, the root too.
   */
  void moveTo(Migration migration) {
    Set<String> wanted =
        StateMachine.row(migration.phase()).effects().stream()
            .map(effect -> spanName(effect, migration.phase()))
            .collect(Collectors.toSet());
    synchronized (lock) {
      open.entrySet()
          .removeIf(
              entry -> {
                if (wanted.contains(entry.getKey())) {
                  return false;
                }
                describe(entry.getKey(), entry.getValue(), migration.measurements());
                entry.getValue().end();
                return true;
              });
    }
    if (migration.phase().done()) {
      finish(migration);
    }
  }

  /** Ends all spans as they are: the coordinator stops, another run of it goes on. */
  void interrupt() {
    synchronized (lock) {
      open.values().forEach(Span::end);
      open.clear();
    }
    root.addEvent("coordinator stopped");
    root.end();
  }

  private void finish(Migration migration) {
    Measurements measured = migration.measurements();
    root.setAttribute("longshore.state", migration.phase().state().name())
        .setAttribute("longshore.strategy", migration.spec().strategy().name())
        .setAttribute("longshore.source_node", migration.spec().sourceNode())
        .setAttribute("longshore.target_node", migration.spec().targetNode())
        .setAttribute("longshore.memory_bytes", measured.memoryBytes())
        .setAttribute("longshore.bytes_on_wire", measured.push().bytesOnWire());
    time(root, "longshore.downtime_ms", measured.downtime());
    Failure failure = migration.failure();
    if (failure != null) {
      root.setAttribute("error.type", failure.reason());
      root.setStatus(StatusCode.ERROR, failure.message());
    }
    root.end();
  }

  private static String spanName(Effect effect, Phase phase) {
    return switch (effect) {
      case START, PREPARE -> "prepare";
      case COPY_ROUNDS -> "rounds";
      case RESTORE_TARGET -> "restore";
      case FREEZE_SOURCE -> "freeze";
      case PUSH_PAGES -> phase.mayRollBack() ? "transfer" : "push";
      case RESUME_TARGET -> "resume";
      case RELEASE_SOURCE, COMPLETE_TARGET -> "release";
      case ABORT_TARGET, ROLL_BACK_SOURCE -> "rollback";
    };
  }

  private static void describe(String name, Span span, Measurements measured) {
    switch (name) {
      case "freeze" -> {
        span.setAttribute("longshore.memory_bytes", measured.memoryBytes())
            .setAttribute("longshore.image_bytes", measured.imageBytes())
            .setAttribute("longshore.pages", measured.pages())
            .setAttribute("longshore.stale_pages", measured.stalePages());
        time(span, "longshore.freeze_time_ms", measured.freezeTime());
      }
      case "rounds" ->
          span.setAttribute("longshore.rounds", measured.rounds().round())
              .setAttribute("longshore.rounds_end", measured.rounds().end())
              .setAttribute("longshore.tracker", measured.rounds().tracker())
              .setAttribute("longshore.pages", measured.rounds().totalPages())
              .setAttribute("longshore.pages_sent", measured.rounds().pagesSent())
              .setAttribute("longshore.zero_pages", measured.rounds().zeroPages())
              .setAttribute("longshore.bytes_on_wire", measured.rounds().bytesOnWire());
      case "restore" -> time(span, "longshore.restore_time_ms", measured.restoreTime());
      case "transfer", "push" ->
          span.setAttribute("longshore.pages", measured.push().totalPages())
              .setAttribute("longshore.pages_sent", measured.push().pagesSent())
              .setAttribute("longshore.zero_pages", measured.push().zeroPages())
              .setAttribute("longshore.bytes_on_wire", measured.push().bytesOnWire());
      case "resume" -> time(span, "longshore.downtime_ms", measured.downtime());
      case "release" ->
          span.setAttribute("longshore.demand_faults", measured.demandFaults().count());
      default -> {
        // prepare describes itself; rollback has no sizes.
      }
    }
  }

  private static void time(Span span, String name, @Nullable Duration time) {
    if (time != null) {
      span.setAttribute(AttributeKey.doubleKey(name), time.toNanos() / 1e6);
    }
  }
}
