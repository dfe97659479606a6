package io.longshore.cli;

import io.longshore.v1.Resolution;
import io.longshore.v1.ResolveMigrationRequest;
import io.longshore.v1.ResolveMigrationResponse;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "resolve",
    description =
        "Decides about a migration that waits for a node which will not come back. Says what that loses, and asks.",
    mixinStandardHelpOptions = true)
final class ResolveCommand implements Callable<Integer> {
  private final Longshore longshore;

  @Parameters(paramLabel = "ID", description = "Id of the migration.")
  private String id = "";

  @ArgGroup(multiplicity = "1")
  private Decision decision = new Decision();

  @Option(names = "--yes", description = "Do not ask.")
  private boolean yes;

  @Option(names = "--json", description = "Print the Migration as proto JSON.")
  private boolean json;

  /** One of the two. */
  static final class Decision {
    @Option(
        names = "--abandon-target",
        required = true,
        description = "The target is dead: let the workload run on on the source.")
    private boolean abandonTarget;

    @Option(
        names = "--abandon-source",
        required = true,
        description = "The source is dead: let the workload go on on the target without it.")
    private boolean abandonSource;

    Resolution resolution() {
      if (abandonTarget) {
        return Resolution.RESOLUTION_ABANDON_TARGET;
      }
      if (abandonSource) {
        return Resolution.RESOLUTION_ABANDON_SOURCE;
      }
      throw new UsageException("expected --abandon-target or --abandon-source");
    }
  }

  ResolveCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() throws IOException {
    Environment environment = longshore.environment();
    try (Coordinator coordinator = longshore.connect()) {
      ResolveMigrationRequest.Builder request =
          ResolveMigrationRequest.newBuilder()
              .setMigrationId(id)
              .setResolution(decision.resolution());
      ResolveMigrationResponse asked = coordinator.resolve(request.build());
      environment.err().println(asked.getConsequence());
      if (!yes && !accepted(environment)) {
        environment.err().println("Nothing was changed.");
        return ExitStatus.FAILED.number();
      }
      ResolveMigrationResponse decided =
          coordinator.resolve(
              request.setAccept(true).setState(asked.getMigration().getState()).build());
      environment
          .out()
          .print(
              json
                  ? Json.of(decided.getMigration()) + "\n"
                  : MigrationText.of(decided.getMigration()));
      environment.out().flush();
      return ExitStatus.DONE.number();
    }
  }

  private static boolean accepted(Environment environment) throws IOException {
    environment.err().print("Do it? Type 'yes': ");
    environment.err().flush();
    String answer = environment.in().readLine();
    return answer != null && answer.strip().equals("yes");
  }
}
