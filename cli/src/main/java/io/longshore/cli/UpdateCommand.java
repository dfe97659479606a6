package io.longshore.cli;

import io.longshore.v1.Migration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "update",
    description = "Change how fast a migration may send, while it runs.",
    mixinStandardHelpOptions = true)
final class UpdateCommand implements Callable<Integer> {
  private final Longshore longshore;

  @Parameters(paramLabel = "MIGRATION", description = "Id of the migration.")
  private String id = "";

  @Option(
      names = "--max-bandwidth",
      required = true,
      paramLabel = "RATE",
      description =
          "How fast from now on, such as 200mbit or 25MB a second; none: as fast as may be.")
  private String maxBandwidth = "";

  @Option(names = "--json", description = "Print the Migration as proto JSON.")
  private boolean json;

  UpdateCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    long bytes = Bandwidth.parse(maxBandwidth);
    try (Coordinator coordinator = longshore.connect()) {
      Migration migration = coordinator.update(id, bytes);
      longshore
          .environment()
          .out()
          .print(json ? Json.of(migration) + "\n" : MigrationText.of(migration));
      longshore.environment().out().flush();
      return ExitStatus.DONE.number();
    }
  }
}
