package io.longshore.cli;

import io.longshore.v1.ListNodesResponse;
import io.longshore.v1.Node;
import io.longshore.v1.SelfTest;
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

  @Option(
      names = "--test",
      paramLabel = "NODE",
      description = "Test this node: have it move a small process to itself. Status 1 if it fails.")
  private @Nullable String test;

  @Option(names = "--json", description = "Print a ListNodesResponse, or the Node, as proto JSON.")
  private boolean json;

  NodesCommand(Longshore longshore) {
    this.longshore = longshore;
  }

  @Override
  public Integer call() {
    try (Coordinator coordinator = longshore.connect()) {
      PrintWriter out = longshore.environment().out();
      if (test != null) {
        Node node = coordinator.test(test);
        out.print(json ? Json.of(node) + "\n" : NodeText.of(node));
        out.flush();
        return node.getSelfTest().getState() == SelfTest.State.STATE_PASSED
            ? ExitStatus.DONE.number()
            : ExitStatus.FAILED.number();
      }
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
