package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.Inspection;
import io.longshore.coordinator.agent.Obstacle;
import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.agent.WorkloadFacts;
import io.longshore.coordinator.node.AgentRole;
import io.longshore.coordinator.node.Node;
import io.longshore.coordinator.node.NodeCapabilities;
import io.longshore.coordinator.node.NodeRegistry;
import io.longshore.coordinator.node.SelfTest;
import io.longshore.platform.error.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Says what a migration would do and what stands in its way, and changes nothing. Blocks while it
 * asks the agents. Safe for use by several threads.
 */
public final class Planner {
  /** Longer than self-tests take. */
  private static final Duration TESTED = Duration.ofSeconds(90);

  private final NodeRegistry nodes;
  private final Agents agents;

  public Planner(NodeRegistry nodes, Agents agents) {
    this.nodes = nodes;
    this.agents = agents;
  }

  /** Plans a migration. Agents that cannot be reached are obstacles, not errors. */
  public MigrationPlan plan(MigrationSpec spec) throws InterruptedException {
    List<Obstacle> obstacles = new ArrayList<>();
    Optional<Node> source = usable(spec.sourceNode(), AgentRole.SOURCE, spec, obstacles);
    Optional<Node> target = usable(spec.targetNode(), AgentRole.TARGET, spec, obstacles);
    // A canary stays where it is.
    boolean sameNode =
        spec.sourceNode().equals(spec.targetNode())
            && !(spec.workload() instanceof Workload.SelfTest);
    if (sameNode) {
      obstacles.add(
          obstacle(
              Reason.SAME_NODE,
              "node '" + spec.sourceNode() + "' is named as source and as target"));
    }
    Choice choice = choose(spec, target.map(Node::capabilities), obstacles);
    Optional<WorkloadFacts> facts =
        source.isPresent() ? inspect(spec, obstacles) : Optional.empty();
    // Where the workload runs already, all that it uses is taken: that is no news.
    if (facts.isPresent() && target.isPresent() && !sameNode) {
      check(spec, facts.get(), source.orElseThrow().capabilities(), obstacles);
    }
    return new MigrationPlan(
        spec.withStrategy(choice.strategy()), facts, obstacles, choice.reason());
  }

  private record Choice(Strategy strategy, String reason) {}

  private static Choice choose(
      MigrationSpec spec, Optional<NodeCapabilities> target, List<Obstacle> obstacles) {
    boolean lazy = target.map(NodeCapabilities::lazyRestore).orElse(true);
    String where = "target '" + spec.targetNode() + "'";
    return switch (spec.strategy()) {
      case STOP_AND_COPY, PRE_COPY -> new Choice(spec.strategy(), "asked for");
      case POST_COPY, HYBRID -> {
        if (!lazy) {
          obstacles.add(
              new Obstacle(
                  Reason.KERNEL_INCOMPATIBLE.name(),
                  where + " cannot restore lazily (userfaultfd), which post-copy and hybrid need",
                  "Choose pre-copy or stop-and-copy, or a target whose kernel and CRIU have userfaultfd."));
        }
        yield new Choice(spec.strategy(), "asked for");
      }
      case UNSPECIFIED -> {
        if (!lazy) {
          yield new Choice(
              Strategy.STOP_AND_COPY,
              where + " cannot restore lazily (userfaultfd): post-copy is not possible");
        }
        yield switch (spec.policy().postCopy()) {
          case ALLOWED ->
              new Choice(
                  Strategy.POST_COPY,
                  where + " can restore lazily: downtime does not grow with memory");
          case FORBIDDEN ->
              new Choice(
                  Strategy.PRE_COPY,
                  "post-copy is forbidden: all memory is sent before the workload runs on the target");
        };
      }
    };
  }

  private Optional<Node> usable(
      String name, AgentRole role, MigrationSpec spec, List<Obstacle> obstacles)
      throws InterruptedException {
    Optional<Node> node = tested(name, spec, obstacles);
    if (node.isEmpty()) {
      obstacles.add(
          obstacle(Reason.UNKNOWN_NODE, "no agent has ever registered as node '" + name + "'"));
      return Optional.empty();
    }
    String agent = "the " + role.service() + " of node '" + name + "'";
    if (node.get().agent(role).isEmpty()) {
      obstacles.add(obstacle(Reason.NODE_UNAVAILABLE, agent + " was never heard"));
      return Optional.empty();
    }
    if (!node.get().agent(role).orElseThrow().available()) {
      obstacles.add(
          obstacle(
              Reason.NODE_UNAVAILABLE,
              agent
                  + " is silent; it was last heard at "
                  + node.get().agent(role).orElseThrow().lastHeartbeat()));
      return Optional.empty();
    }
    String kind = spec.workload().runtime();
    if (!node.get().capabilities().runtimes().contains(kind)) {
      obstacles.add(
          obstacle(
              Reason.CRIU_MISSING,
              "node '"
                  + name
                  + "' does not handle workloads of kind '"
                  + kind
                  + "'; it has CRIU '"
                  + node.get().capabilities().criuVersion()
                  + "'"));
    }
    return node;
  }

  /**
   * A node, when its self-test is over: nobody's workload is touched before. The test itself does
   * not wait for itself.
   */
  private Optional<Node> tested(String name, MigrationSpec spec, List<Obstacle> obstacles)
      throws InterruptedException {
    if (spec.workload() instanceof Workload.SelfTest) {
      return nodes.find(name);
    }
    Optional<Node> node = nodes.awaitTested(name, TESTED);
    if (node.isPresent()) {
      switch (node.get().selfTest()) {
        case SelfTest.Failed failed ->
            obstacles.add(
                obstacle(
                    Reason.SELF_TEST_FAILED,
                    "node '%s' failed its self-test at %s: %s: %s"
                        .formatted(name, failed.time(), failed.reason(), failed.message())));
        case SelfTest.Running _ ->
            obstacles.add(
                obstacle(
                    Reason.SELF_TEST_FAILED,
                    "the self-test of node '%s' is not over after %s".formatted(name, TESTED)));
        case SelfTest.None _, SelfTest.Due _, SelfTest.Passed _ -> {}
      }
    }
    return node;
  }

  private Optional<WorkloadFacts> inspect(MigrationSpec spec, List<Obstacle> obstacles)
      throws InterruptedException {
    try {
      Inspection inspection =
          agents.source(spec.sourceNode()).inspect(spec.workload(), spec.serviceAddresses());
      obstacles.addAll(inspection.obstacles());
      return inspection.facts();
    } catch (AgentException e) {
      obstacles.add(obstacle("looking at the workload failed: ", e));
      return Optional.empty();
    }
  }

  private void check(
      MigrationSpec spec, WorkloadFacts facts, NodeCapabilities source, List<Obstacle> obstacles)
      throws InterruptedException {
    try {
      obstacles.addAll(agents.target(spec.targetNode()).check(facts, source));
    } catch (AgentException e) {
      obstacles.add(obstacle("asking the target failed: ", e));
    }
  }

  private static Obstacle obstacle(Reason reason, String message) {
    return new Obstacle(reason.name(), message, reason.remedy());
  }

  private static Obstacle obstacle(String what, AgentException failure) {
    String remedy = Reason.AGENT_UNREACHABLE.remedy();
    for (Reason reason : Reason.values()) {
      if (reason.name().equals(failure.reason())) {
        remedy = reason.remedy();
      }
    }
    return new Obstacle(failure.reason(), what + failure.message(), remedy);
  }
}
