package io.longshore.coordinator.migration.store;

import io.longshore.coordinator.agent.ContainerPolicy;
import io.longshore.coordinator.agent.ContainerPolicy.Mount;
import io.longshore.coordinator.agent.ContainerPolicy.MountTreatment;
import io.longshore.coordinator.agent.ContainerPolicy.TcpConnections;
import io.longshore.coordinator.agent.DemandFaults;
import io.longshore.coordinator.agent.PushReport;
import io.longshore.coordinator.agent.RoundReport;
import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.migration.Failure;
import io.longshore.coordinator.migration.Measurements;
import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.Phase;
import io.longshore.coordinator.migration.Resolution;
import io.longshore.coordinator.plan.DurationEstimate;
import io.longshore.coordinator.plan.Expectation;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.plan.OnNoConvergence;
import io.longshore.coordinator.plan.Policy;
import io.longshore.coordinator.plan.PostCopy;
import io.longshore.coordinator.plan.Strategy;
import io.longshore.coordinator.store.Columns;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** A migration as a row. The columns that never change are in {@link #IDENTITY}. */
final class MigrationRow {
  private static final List<String> IDENTITY =
      List.of(
          "id",
          "request_id",
          "source_node",
          "target_node",
          "workload_kind",
          "workload_name",
          "requested_strategy",
          "service_addresses",
          "downtime_budget",
          "max_rounds",
          "post_copy",
          "on_no_convergence",
          "asked_bandwidth",
          "max_total_time",
          "expected_downtime_low",
          "expected_downtime",
          "expected_downtime_high",
          "expected_total_time_low",
          "expected_total_time",
          "expected_total_time_high",
          "expected_bytes_on_wire",
          "created_at",
          "trace_parent",
          "container_bundle",
          "container_runtime_root",
          "container_cgroup_parent",
          "container_mounts",
          "container_tcp_connections");
  private static final List<String> STATE =
      List.of(
          "strategy",
          "phase",
          "done",
          "epoch",
          "revision",
          "updated_at",
          "finished_at",
          "failure_reason",
          "failure_message",
          "failure_criu_log",
          "rounds",
          "rounds_total_pages",
          "rounds_held_pages",
          "rounds_pages_sent",
          "rounds_zero_pages",
          "rounds_bytes_on_wire",
          "rounds_end",
          "rounds_tracker",
          "frozen_at",
          "freeze_time",
          "image_bytes",
          "pages",
          "stale_pages",
          "restore_time",
          "downtime",
          "push_total_pages",
          "push_stored_pages",
          "push_pages_sent",
          "push_zero_pages",
          "push_bytes_on_wire",
          "push_complete",
          "bytes_per_second",
          "demand_faults",
          "demand_fault_p50",
          "demand_fault_p99",
          "resolution",
          "fence_pending",
          "max_bandwidth");

  static final String INSERT = insert();

  /**
   * Changes a row, unless another coordinator took it up: then its epoch is greater and no row is
   * changed.
   */
  static final String UPDATE =
      "UPDATE migration SET "
          + STATE.stream().map(column -> column + " = :" + column).collect(Collectors.joining(", "))
          + " WHERE id = :id AND epoch = :epoch";

  /** The same for a change that comes with the next epoch. */
  static final String UPDATE_WITH_NEXT_EPOCH = UPDATE + " - 1";

  private MigrationRow() {}

  private static String insert() {
    List<String> all = java.util.stream.Stream.concat(IDENTITY.stream(), STATE.stream()).toList();
    return "INSERT INTO migration ("
        + String.join(", ", all)
        + ") VALUES (:"
        + String.join(", :", all)
        + ")";
  }

  static Map<String, @Nullable Object> values(Migration migration) {
    MigrationSpec spec = migration.spec();
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("id", migration.id());
    row.put("request_id", migration.requestId());
    row.put("source_node", spec.sourceNode());
    row.put("target_node", spec.targetNode());
    row.put("workload_kind", spec.workload().kind());
    row.put("workload_name", spec.workload().name());
    row.put("requested_strategy", migration.requestedStrategy().name());
    row.put("strategy", spec.strategy().name());
    row.put("service_addresses", Columns.lines(spec.serviceAddresses()));
    row.put("downtime_budget", Columns.nanosOrNull(spec.policy().downtimeBudget()));
    row.put("max_rounds", spec.policy().maxRounds());
    row.put("post_copy", spec.policy().postCopy().name());
    row.put("on_no_convergence", spec.policy().onNoConvergence().name());
    row.put("max_total_time", Columns.nanosOrNull(spec.policy().maxTotalTime().orElse(null)));
    row.put("asked_bandwidth", spec.policy().maxBandwidth());
    putContainer(row, spec.container());
    putExpectation(row, migration.expectation());
    row.put("created_at", Columns.micros(migration.createTime()));
    row.put("trace_parent", migration.traceParent());
    row.put("phase", migration.phase().name());
    row.put("done", migration.phase().done() ? 1 : 0);
    row.put("epoch", migration.epoch());
    row.put("revision", migration.revision());
    row.put("updated_at", Columns.micros(migration.updateTime()));
    row.put("finished_at", Columns.microsOrNull(migration.finishTime()));
    Resolution resolution = migration.resolution();
    row.put("resolution", resolution == null ? null : resolution.name());
    row.put("fence_pending", migration.fencePending() ? 1 : 0);
    row.put("max_bandwidth", migration.maxBandwidth());
    putFailure(row, migration.failure());
    putMeasurements(row, migration.measurements());
    return row;
  }

  private static void putContainer(Map<String, @Nullable Object> row, ContainerPolicy container) {
    row.put("container_bundle", container.bundle());
    row.put("container_runtime_root", container.runtimeRoot());
    row.put("container_cgroup_parent", container.cgroupParent());
    row.put(
        "container_mounts",
        Columns.lines(
            container.mounts().stream()
                .map(mount -> mount.treatment() + " " + mount.destination())
                .toList()));
    row.put("container_tcp_connections", container.tcpConnections().name());
  }

  private static ContainerPolicy container(ResultSet row) throws SQLException {
    return new ContainerPolicy(
        row.getString("container_bundle"),
        row.getString("container_runtime_root"),
        row.getString("container_cgroup_parent"),
        Columns.lines(row, "container_mounts").stream().map(MigrationRow::mount).toList(),
        TcpConnections.valueOf(row.getString("container_tcp_connections")));
  }

  private static Mount mount(String line) {
    int blank = line.indexOf(' ');
    return new Mount(line.substring(blank + 1), MountTreatment.valueOf(line.substring(0, blank)));
  }

  private static void putExpectation(
      Map<String, @Nullable Object> row, @Nullable Expectation expected) {
    putEstimate(row, "expected_downtime", expected == null ? null : expected.downtime());
    putEstimate(row, "expected_total_time", expected == null ? null : expected.totalTime());
    row.put("expected_bytes_on_wire", expected == null ? null : expected.bytesOnWire());
  }

  private static void putEstimate(
      Map<String, @Nullable Object> row, String column, @Nullable DurationEstimate estimate) {
    row.put(column + "_low", Columns.nanosOrNull(estimate == null ? null : estimate.low()));
    row.put(column, Columns.nanosOrNull(estimate == null ? null : estimate.expected()));
    row.put(column + "_high", Columns.nanosOrNull(estimate == null ? null : estimate.high()));
  }

  private static void putFailure(Map<String, @Nullable Object> row, @Nullable Failure failure) {
    row.put("failure_reason", failure == null ? null : failure.reason());
    row.put("failure_message", failure == null ? null : failure.message());
    row.put("failure_criu_log", failure == null ? null : Columns.lines(failure.criuLog()));
  }

  private static void putMeasurements(Map<String, @Nullable Object> row, Measurements measured) {
    PushReport push = measured.push();
    RoundReport rounds = measured.rounds();
    row.put("rounds", rounds.round());
    row.put("rounds_total_pages", rounds.totalPages());
    row.put("rounds_held_pages", rounds.heldPages());
    row.put("rounds_pages_sent", rounds.pagesSent());
    row.put("rounds_zero_pages", rounds.zeroPages());
    row.put("rounds_bytes_on_wire", rounds.bytesOnWire());
    row.put("rounds_end", rounds.end());
    row.put("rounds_tracker", rounds.tracker());
    row.put("frozen_at", Columns.microsOrNull(measured.frozenAt()));
    row.put("freeze_time", Columns.nanosOrNull(measured.freezeTime()));
    row.put("image_bytes", measured.imageBytes());
    row.put("pages", measured.pages());
    row.put("stale_pages", measured.stalePages());
    row.put("restore_time", Columns.nanosOrNull(measured.restoreTime()));
    row.put("downtime", Columns.nanosOrNull(measured.downtime()));
    row.put("push_total_pages", push.totalPages());
    row.put("push_stored_pages", push.storedPages());
    row.put("push_pages_sent", push.pagesSent());
    row.put("push_zero_pages", push.zeroPages());
    row.put("push_bytes_on_wire", push.bytesOnWire());
    row.put("push_complete", push.complete() ? 1 : 0);
    row.put("bytes_per_second", measured.bytesPerSecond());
    DemandFaults faults = measured.demandFaults();
    row.put("demand_faults", faults.count());
    row.put("demand_fault_p50", faults.median().toNanos());
    row.put("demand_fault_p99", faults.percentile99().toNanos());
  }

  static Migration read(ResultSet row, StatementContext context) throws SQLException {
    return new Migration(
        row.getString("id"),
        row.getString("request_id"),
        Strategy.valueOf(row.getString("requested_strategy")),
        new MigrationSpec(
            row.getString("source_node"),
            row.getString("target_node"),
            Workload.of(row.getString("workload_kind"), row.getString("workload_name")),
            Strategy.valueOf(row.getString("strategy")),
            Columns.lines(row, "service_addresses"),
            policy(row),
            container(row)),
        Phase.valueOf(row.getString("phase")),
        failure(row),
        measurements(row),
        row.getLong("epoch"),
        row.getLong("revision"),
        Columns.instant(row, "created_at"),
        Columns.instant(row, "updated_at"),
        Columns.instantOrNull(row, "finished_at"),
        resolution(row),
        row.getInt("fence_pending") == 1,
        row.getLong("max_bandwidth"),
        row.getString("trace_parent"),
        expectation(row),
        List.of());
  }

  private static Policy policy(ResultSet row) throws SQLException {
    Duration budget = Columns.durationOrNull(row, "downtime_budget");
    // Migrations of before there were policies.
    return budget == null
        ? Policy.DEFAULT
        : new Policy(
            budget,
            row.getInt("max_rounds"),
            PostCopy.valueOf(row.getString("post_copy")),
            OnNoConvergence.valueOf(row.getString("on_no_convergence")),
            Optional.ofNullable(Columns.durationOrNull(row, "max_total_time")),
            row.getLong("asked_bandwidth"));
  }

  private static @Nullable Expectation expectation(ResultSet row) throws SQLException {
    DurationEstimate downtime = estimate(row, "expected_downtime");
    DurationEstimate total = estimate(row, "expected_total_time");
    return downtime == null || total == null
        ? null
        : new Expectation(downtime, total, row.getLong("expected_bytes_on_wire"));
  }

  private static @Nullable DurationEstimate estimate(ResultSet row, String column)
      throws SQLException {
    Duration low = Columns.durationOrNull(row, column + "_low");
    Duration expected = Columns.durationOrNull(row, column);
    Duration high = Columns.durationOrNull(row, column + "_high");
    return low == null || expected == null || high == null
        ? null
        : new DurationEstimate(low, expected, high);
  }

  private static @Nullable Resolution resolution(ResultSet row) throws SQLException {
    String resolution = row.getString("resolution");
    return resolution == null ? null : Resolution.valueOf(resolution);
  }

  private static @Nullable Failure failure(ResultSet row) throws SQLException {
    String reason = row.getString("failure_reason");
    return reason == null
        ? null
        : new Failure(
            reason, row.getString("failure_message"), Columns.lines(row, "failure_criu_log"));
  }

  private static Measurements measurements(ResultSet row) throws SQLException {
    return new Measurements(
        new RoundReport(
            row.getInt("rounds"),
            row.getLong("rounds_total_pages"),
            row.getLong("rounds_held_pages"),
            row.getLong("rounds_pages_sent"),
            row.getLong("rounds_zero_pages"),
            row.getLong("rounds_bytes_on_wire"),
            row.getString("rounds_end"),
            row.getString("rounds_tracker"),
            false,
            0),
        Columns.instantOrNull(row, "frozen_at"),
        Columns.durationOrNull(row, "freeze_time"),
        row.getLong("image_bytes"),
        row.getLong("pages"),
        row.getLong("stale_pages"),
        Columns.durationOrNull(row, "restore_time"),
        Columns.durationOrNull(row, "downtime"),
        new PushReport(
            row.getLong("push_total_pages"),
            row.getLong("push_stored_pages"),
            row.getLong("push_pages_sent"),
            row.getLong("push_zero_pages"),
            row.getLong("push_bytes_on_wire"),
            row.getInt("push_complete") == 1,
            false),
        row.getLong("bytes_per_second"),
        new DemandFaults(
            row.getLong("demand_faults"),
            Duration.ofNanos(row.getLong("demand_fault_p50")),
            Duration.ofNanos(row.getLong("demand_fault_p99"))));
  }
}
