package io.longshore.cli;

import io.longshore.v1.MigrationPlan;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "plan",
    description = "Says what a migration would do and what stands in its way. Changes nothing.",
    mixinStandardHelpOptions = true)
final class PlanCommand implements Callable<Integer> {
  private final Longshore longshore;
  @Mixin private SpecOptions options = new SpecOptions();

  @Option(names = "--json", description = "Print the MigrationPlan as proto JSON.")
  private boolean json;

  PlanCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    try (Coordinator coordinator = longshore.connect()) {
      MigrationPlan plan = coordinator.plan(options.spec());
      longshore.environment().out().print(json ? Json.of(plan) + "\n" : PlanText.of(plan));
      longshore.environment().out().flush();
      return (plan.getObstaclesCount() == 0 ? ExitStatus.DONE : ExitStatus.REFUSED).number();
    }
  }
}
