package io.longshore.cli;

import com.google.protobuf.Timestamp;
import io.longshore.v1.Agent;
import io.longshore.v1.Node;
import io.longshore.v1.NodeCapabilities;
import io.longshore.v1.SelfTest;
import java.time.Instant;
import java.util.List;

/** Nodes for people. */
final class NodeText {
  private NodeText() {}

  static String of(List<Node> nodes) {
    Table table =
        new Table("")
            .row(
                "NAME",
                "STATE",
                "SOURCE-AGENT",
                "TARGET-AGENT",
                "KERNEL",
                "CRIU",
                "FREE MEMORY",
                "SELF-TEST");
    for (Node node : nodes) {
      NodeCapabilities capabilities = node.getCapabilities();
      table.row(
          node.getName(),
          Words.of(node.getState()),
          node.hasSourceAgent() ? brief(node.getSourceAgent()) : "-",
          node.hasTargetAgent() ? brief(node.getTargetAgent()) : "-",
          capabilities.getKernelRelease(),
          criu(capabilities),
          Quantity.bytes(capabilities.getAvailableMemoryBytes()),
          selfTest(node));
    }
    return table.toString();
  }

  static String of(Node node) {
    NodeCapabilities capabilities = node.getCapabilities();
    return "Node %s is %s\n".formatted(node.getName(), Words.of(node.getState()))
        + new Table("  ")
            .row(
                "source-agent", node.hasSourceAgent() ? full(node.getSourceAgent()) : "never heard")
            .row(
                "target-agent", node.hasTargetAgent() ? full(node.getTargetAgent()) : "never heard")
            .row("architecture", capabilities.getArchitecture())
            .row("kernel", capabilities.getKernelRelease())
            .row("CRIU", criu(capabilities))
            .row("lazy restore", capabilities.getLazyRestore() ? "yes" : "no")
            .row("runtimes", String.join(", ", capabilities.getRuntimesList()))
            .row(
                "memory",
                "%s free of %s"
                    .formatted(
                        Quantity.bytes(capabilities.getAvailableMemoryBytes()),
                        Quantity.bytes(capabilities.getTotalMemoryBytes())))
            .row("self-test", fullSelfTest(node));
  }

  /** "passed 412 ms", "running", "failed: reason: message", or "-". */
  private static String selfTest(Node node) {
    SelfTest test = node.getSelfTest();
    return switch (test.getState()) {
      case STATE_RUNNING -> "running";
      case STATE_PASSED -> "passed " + Quantity.duration(test.getDuration());
      case STATE_FAILED -> "failed: " + test.getReason() + ": " + test.getMessage();
      case STATE_UNSPECIFIED, UNRECOGNIZED -> "-";
    };
  }

  private static String fullSelfTest(Node node) {
    SelfTest test = node.getSelfTest();
    String brief = selfTest(node);
    return switch (test.getState()) {
      case STATE_PASSED, STATE_FAILED ->
          "%s; downtime %s, run %d, migration %s, at %s"
              .formatted(
                  brief,
                  Quantity.duration(test.getDowntime()),
                  test.getRuns(),
                  test.getMigrationId(),
                  Instant.ofEpochSecond(test.getFinishTime().getSeconds()));
      case STATE_RUNNING, STATE_UNSPECIFIED, UNRECOGNIZED -> brief;
    };
  }

  private static String criu(NodeCapabilities capabilities) {
    return capabilities.getCriuVersion().isEmpty() ? "none" : capabilities.getCriuVersion();
  }

  private static String brief(Agent agent) {
    return agent.getAvailable() ? agent.getEndpoint() : agent.getEndpoint() + " (silent)";
  }

  private static String full(Agent agent) {
    Timestamp heard = agent.getLastHeartbeatTime();
    return "%s, version %s, %slast heard %s"
        .formatted(
            agent.getEndpoint(),
            agent.getVersion(),
            agent.getAvailable() ? "" : "silent, ",
            Instant.ofEpochSecond(heard.getSeconds()));
  }
}
