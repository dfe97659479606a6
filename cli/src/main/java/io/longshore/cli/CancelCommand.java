package io.longshore.cli;

import io.longshore.v1.Migration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "cancel",
    description =
        "Asks for a migration to be rolled back. Possible until the target lets the workload run.",
    mixinStandardHelpOptions = true)
final class CancelCommand implements Callable<Integer> {
  private final Longshore longshore;

  @Parameters(paramLabel = "ID", description = "Id of the migration.")
  private String id = "";

  @Option(names = "--json", description = "Print the Migration as proto JSON.")
  private boolean json;

  CancelCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    try (Coordinator coordinator = longshore.connect()) {
      Migration migration = coordinator.cancel(id);
      longshore
          .environment()
          .out()
          .print(json ? Json.of(migration) + "\n" : MigrationText.of(migration));
      longshore.environment().out().flush();
      return ExitStatus.DONE.number();
    }
  }
}
