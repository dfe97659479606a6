package io.longshore.coordinator.node.store;

import io.longshore.coordinator.node.AgentRecord;
import io.longshore.coordinator.node.AgentRole;
import io.longshore.coordinator.node.NodeCapabilities;
import io.longshore.coordinator.node.NodeStore;
import io.longshore.coordinator.store.Columns;
import io.longshore.coordinator.store.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementContext;

/** Agents in a table. */
public final class SqlNodeStore implements NodeStore {
  private static final String SAVE =
      """
      INSERT INTO agent (node, role, endpoint, version, last_heartbeat_at, architecture, cpu_features, kernel_release,
        criu_version, lazy_restore, runtimes, available_memory_bytes, total_memory_bytes)
      VALUES (:node, :role, :endpoint, :version, :heard, :architecture, :cpu, :kernel,
        :criu, :lazy, :runtimes, :available, :total)
      ON CONFLICT (node, role) DO UPDATE SET endpoint = excluded.endpoint, version = excluded.version,
        last_heartbeat_at = excluded.last_heartbeat_at, architecture = excluded.architecture,
        cpu_features = excluded.cpu_features, kernel_release = excluded.kernel_release,
        criu_version = excluded.criu_version, lazy_restore = excluded.lazy_restore, runtimes = excluded.runtimes,
        available_memory_bytes = excluded.available_memory_bytes, total_memory_bytes = excluded.total_memory_bytes
      """;

  private final Jdbi jdbi;

  public SqlNodeStore(Database database) {
    this.jdbi = database.jdbi();
  }

  @Override
  public List<AgentRecord> load() {
    return jdbi.withHandle(
        handle -> handle.createQuery("SELECT * FROM agent").map(SqlNodeStore::read).list());
  }

  @Override
  public void save(AgentRecord agent) {
    NodeCapabilities host = agent.capabilities();
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(SAVE)
                .bind("node", agent.node())
                .bind("role", agent.role().name())
                .bind("endpoint", agent.endpoint())
                .bind("version", agent.version())
                .bind("heard", Columns.micros(agent.lastHeartbeat()))
                .bind("architecture", host.architecture())
                .bind("cpu", Columns.lines(host.cpuFeatures()))
                .bind("kernel", host.kernelRelease())
                .bind("criu", host.criuVersion())
                .bind("lazy", host.lazyRestore() ? 1 : 0)
                .bind("runtimes", Columns.lines(host.runtimes()))
                .bind("available", host.availableMemoryBytes())
                .bind("total", host.totalMemoryBytes())
                .execute());
  }

  private static AgentRecord read(ResultSet row, StatementContext context) throws SQLException {
    return new AgentRecord(
        row.getString("node"),
        AgentRole.valueOf(row.getString("role")),
        row.getString("endpoint"),
        row.getString("version"),
        new NodeCapabilities(
            row.getString("architecture"),
            Columns.lines(row, "cpu_features"),
            row.getString("kernel_release"),
            row.getString("criu_version"),
            row.getInt("lazy_restore") == 1,
            Columns.lines(row, "runtimes"),
            row.getLong("available_memory_bytes"),
            row.getLong("total_memory_bytes")),
        Columns.instant(row, "last_heartbeat_at"));
  }
}
