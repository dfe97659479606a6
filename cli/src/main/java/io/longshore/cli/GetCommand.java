package io.longshore.cli;

import io.longshore.v1.Migration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "get",
    description = "Shows a migration as it is now.",
    mixinStandardHelpOptions = true)
final class GetCommand implements Callable<Integer> {
  private final Longshore longshore;

  @Parameters(paramLabel = "ID", description = "Id of the migration.")
  private String id = "";

  @Option(names = "--json", description = "Print the Migration as proto JSON.")
  private boolean json;

  GetCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    try (Coordinator coordinator = longshore.connect()) {
      Migration migration = coordinator.get(id);
      longshore
          .environment()
          .out()
          .print(json ? Json.of(migration) + "\n" : MigrationText.of(migration));
      longshore.environment().out().flush();
      return ExitStatus.DONE.number();
    }
  }
}
