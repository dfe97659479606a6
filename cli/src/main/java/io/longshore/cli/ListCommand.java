package io.longshore.cli;

import io.longshore.v1.ListMigrationsResponse;
import io.longshore.v1.Migration;
import java.time.Instant;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "list",
    description = "Lists migrations, the newest first.",
    mixinStandardHelpOptions = true)
final class ListCommand implements Callable<Integer> {
  private final Longshore longshore;

  @Option(names = "--active", description = "Only migrations that are not done.")
  private boolean active;

  @Option(names = "--all", description = "The migrations of self-tests too.")
  private boolean all;

  @Option(names = "--json", description = "Print a ListMigrationsResponse as proto JSON.")
  private boolean json;

  ListCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    try (Coordinator coordinator = longshore.connect()) {
      ListMigrationsResponse found = coordinator.list(active, all);
      longshore.environment().out().print(json ? Json.of(found) + "\n" : text(found));
      longshore.environment().out().flush();
      return ExitStatus.DONE.number();
    }
  }

  private static String text(ListMigrationsResponse all) {
    Table table =
        new Table("")
            .row("ID", "STATE", "STRATEGY", "FROM", "TO", "PID", "CREATED", "DOWNTIME", "TOTAL");
    for (Migration migration : all.getMigrationsList()) {
      table.row(
          migration.getId(),
          Words.of(migration.getState()) + (migration.getWaitingCount() > 0 ? ", waits" : ""),
          Words.of(migration.getSpec().getStrategy()),
          migration.getSpec().getSourceNode(),
          migration.getSpec().getTargetNode(),
          Words.of(migration.getSpec().getWorkload()),
          Instant.ofEpochSecond(migration.getCreateTime().getSeconds()).toString(),
          migration.hasResult() ? Quantity.duration(migration.getResult().getDowntime()) : "",
          migration.hasResult() ? Quantity.duration(migration.getResult().getTotalTime()) : "");
    }
    return table.toString();
  }
}
