package io.longshore.cli;

import io.longshore.v1.Migration;
import io.longshore.v1.MigrationSpec;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "migrate",
    description = "Moves a workload and shows how it goes. Ctrl-C leaves the migration running.",
    mixinStandardHelpOptions = true)
final class MigrateCommand implements Callable<Integer> {
  private final Longshore longshore;
  @Mixin private SpecOptions options = new SpecOptions();

  @Option(names = "--detach", description = "Start the migration, print its id and do not wait.")
  private boolean detach;

  @Option(
      names = "--json",
      description = "Print only the final Migration (with --detach, the new one) as proto JSON.")
  private boolean json;

  @Option(
      names = "--request-id",
      paramLabel = "ID",
      description =
          "Makes repeating the command safe: the same id starts one migration (default: random).")
  private @Nullable String requestId;

  MigrateCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    Environment environment = longshore.environment();
    MigrationSpec spec = options.spec();
    String request = requestId == null ? UUID.randomUUID().toString() : requestId;
    try (Coordinator coordinator = longshore.connect();
        InterruptNotice notice = InterruptNotice.install(environment.err(), request)) {
      Migration created = coordinator.create(request, spec);
      if (detach) {
        environment.out().println(json ? Json.of(created) : created.getId());
        return ExitStatus.DONE.number();
      }
      notice.started(created.getId());
      if (!json) {
        environment
            .err()
            .println("Migration " + created.getId() + ": " + Words.of(created.getSpec()));
      }
      return Following.untilDone(coordinator, environment, created.getId(), json).number();
    }
  }
}
