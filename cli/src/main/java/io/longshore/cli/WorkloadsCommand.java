package io.longshore.cli;

import io.longshore.v1.ListWorkloadsResponse;
import io.longshore.v1.Node;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "workloads",
    description = {
      "Lists the containers of a node, or of all nodes whose source-agent is heard.",
      "Processes are not listed: every process of a node is one that --pid can name."
    },
    mixinStandardHelpOptions = true)
final class WorkloadsCommand implements Callable<Integer> {
  private final Longshore longshore;

  @Parameters(arity = "0..1", paramLabel = "NODE", description = "Name of a node.")
  private @Nullable String name;

  @Option(
      names = "--json",
      description = "Print a ListWorkloadsResponse as proto JSON, in one line for each node.")
  private boolean json;

  WorkloadsCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    try (Coordinator coordinator = longshore.connect()) {
      PrintWriter out = longshore.environment().out();
      List<String> nodes = name == null ? heard(coordinator) : List.of(name);
      WorkloadTable table = new WorkloadTable();
      for (String node : nodes) {
        ListWorkloadsResponse workloads = coordinator.workloads(node);
        if (json) {
          out.print(Json.line(workloads) + "\n");
        } else {
          table.add(workloads);
        }
      }
      if (!json) {
        out.print(table);
      }
      out.flush();
      return ExitStatus.DONE.number();
    }
  }

  private static List<String> heard(Coordinator coordinator) {
    return coordinator.nodes().getNodesList().stream()
        .filter(node -> node.getSourceAgent().getAvailable())
        .map(Node::getName)
        .toList();
  }
}
