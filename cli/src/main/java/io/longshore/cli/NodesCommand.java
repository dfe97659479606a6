package io.longshore.cli;

import io.longshore.v1.ListNodesResponse;
import io.longshore.v1.Node;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "nodes",
    description = "Lists nodes, or shows one.",
    mixinStandardHelpOptions = true)
final class NodesCommand implements Callable<Integer> {
  private final Longshore longshore;

  @Parameters(arity = "0..1", paramLabel = "NAME", description = "Name of a node.")
  private @Nullable String name;

  @Option(names = "--json", description = "Print a ListNodesResponse, or the Node, as proto JSON.")
  private boolean json;

  NodesCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    try (Coordinator coordinator = longshore.connect()) {
      PrintWriter out = longshore.environment().out();
      if (name == null) {
        ListNodesResponse nodes = coordinator.nodes();
        out.print(json ? Json.of(nodes) + "\n" : NodeText.of(nodes.getNodesList()));
      } else {
        Node node = coordinator.node(name);
        out.print(json ? Json.of(node) + "\n" : NodeText.of(node));
      }
      out.flush();
      return ExitStatus.DONE.number();
    }
  }
}
