package io.longshore.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "watch",
    description = "Follows a migration until it is done. Exit status as of migrate.",
    mixinStandardHelpOptions = true)
final class WatchCommand implements Callable<Integer> {
  private final Longshore longshore;

  @Parameters(paramLabel = "ID", description = "Id of the migration.")
  private String id = "";

  @Option(names = "--json", description = "Print every snapshot as proto JSON, one a line.")
  private boolean json;

  WatchCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    Environment environment = longshore.environment();
    try (Coordinator coordinator = longshore.connect()) {
      // Following waits for a coordinator that was lost; one that was never there is an error at
      // once.
      var _ = coordinator.get(id);
      return (json
              ? Following.printing(coordinator, environment, id)
              : Following.untilDone(coordinator, environment, id, false))
          .number();
    }
  }
}
