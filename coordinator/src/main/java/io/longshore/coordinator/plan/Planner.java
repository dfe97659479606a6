package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.AgentException;
import io.longshore.coordinator.agent.Agents;
import io.longshore.coordinator.agent.Inspection;
import io.longshore.coordinator.agent.Obstacle;
import io.longshore.coordinator.agent.TargetCheck;
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
  private final Forecaster forecaster;

  /**
   * @param history what earlier migrations took
   */
  public Planner(NodeRegistry nodes, Agents agents, History history) {
    this.nodes = nodes;
    this.agents = agents;
    this.forecaster = new Forecaster(agents, history);
  }

  /** Plans a migration. Agents that cannot be reached are obstacles, not errors. */
  public MigrationPlan plan(MigrationSpec spec) throws InterruptedException {
    return plan(spec, true);
  }

  /**
   * The same for one that is to start at once: only if it names no strategy, and nothing stands in
   * the way, it is predicted what it would take.
   */
  public MigrationPlan planToStart(MigrationSpec spec) throws InterruptedException {
    return plan(spec, false);
  }

  private MigrationPlan plan(MigrationSpec spec, boolean always) throws InterruptedException {
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
    boolean lazy = target.map(Node::capabilities).map(NodeCapabilities::lazyRestore).orElse(true);
    requireLazyRestore(spec, lazy, obstacles);
    Optional<WorkloadFacts> facts =
        source.isPresent() ? inspect(spec, obstacles) : Optional.empty();
    Forecast forecast = Forecast.NONE;
    // Where the workload runs already, all that it uses is taken: that is no news.
    if (facts.isPresent() && target.isPresent() && !sameNode) {
      Optional<TargetCheck> check =
          check(spec, facts.get(), source.orElseThrow().capabilities(), obstacles);
      boolean wanted = always || (spec.strategy() == Strategy.UNSPECIFIED && obstacles.isEmpty());
      if (check.isPresent() && wanted) {
        forecast = forecaster.forecast(spec, check.get().transferEndpoint());
      }
    }
    StrategyChoice choice = choose(spec, lazy, forecast);
    if (!choice.inTime()) {
      obstacles.add(
          obstacle(
              Reason.TOTAL_TIME_TOO_LONG,
              "no strategy that the policy allows is predicted to be over within "
                  + spec.policy().maxTotalTime().map(StrategyChoice::text).orElse("its time")
                  + ": "
                  + choice.reason()));
    }
    return new MigrationPlan(
        spec.withStrategy(choice.strategy()), facts, obstacles, choice.reason(), forecast);
  }

  private static void requireLazyRestore(
      MigrationSpec spec, boolean lazy, List<Obstacle> obstacles) {
    boolean needed =
        spec.strategy() != Strategy.UNSPECIFIED && !spec.strategy().pushesBeforeResume();
    if (needed && !lazy) {
      obstacles.add(
          new Obstacle(
              Reason.KERNEL_INCOMPATIBLE.name(),
              "target '"
                  + spec.targetNode()
                  + "' cannot restore lazily (userfaultfd), which post-copy and hybrid need",
              "Choose pre-copy or stop-and-copy, or a target whose kernel and CRIU have userfaultfd."));
    }
  }

  private static StrategyChoice choose(MigrationSpec spec, boolean lazy, Forecast forecast) {
    if (spec.strategy() != Strategy.UNSPECIFIED) {
      return new StrategyChoice(spec.strategy(), "asked for", true);
    }
    return forecast.predictions().isEmpty()
        ? StrategyChoice.withoutForecast(spec, lazy)
        : StrategyChoice.of(spec.policy(), lazy, forecast);
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
              Reason.RUNTIME_MISSING,
              "node '%s' does not have the runtime '%s'; it has %s"
                  .formatted(name, kind, String.join(", ", node.get().capabilities().runtimes()))));
      return Optional.empty();
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
          agents
              .source(spec.sourceNode())
              .inspect(spec.workload(), spec.container(), spec.serviceAddresses());
      obstacles.addAll(inspection.obstacles());
      return inspection.facts();
    } catch (AgentException e) {
      obstacles.add(obstacle("looking at the workload failed: ", e));
      return Optional.empty();
    }
  }

  private Optional<TargetCheck> check(
      MigrationSpec spec, WorkloadFacts facts, NodeCapabilities source, List<Obstacle> obstacles)
      throws InterruptedException {
    try {
      TargetCheck check = agents.target(spec.targetNode()).check(facts, source);
      obstacles.addAll(check.obstacles());
      return Optional.of(check);
    } catch (AgentException e) {
      obstacles.add(obstacle("asking the target failed: ", e));
      return Optional.empty();
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
