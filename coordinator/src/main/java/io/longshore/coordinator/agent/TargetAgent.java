package io.longshore.coordinator.agent;

import io.longshore.coordinator.node.NodeCapabilities;
import java.time.Duration;

/**
 * The taking side of a migration. Every call blocks, ends early with {@link InterruptedException}
 * when its thread is interrupted, and can be repeated: the agent takes up what an earlier one began
 * and answers the same.
 */
public interface TargetAgent {
  /** What would keep the node from taking the workload. Changes nothing. */
  TargetCheck check(WorkloadFacts facts, NodeCapabilities source)
      throws AgentException, InterruptedException;

  /** Reserves memory and opens the receiving end. */
  TransferAccess prepare(MigrationRef migration, WorkloadFacts facts)
      throws AgentException, InterruptedException;

  /**
   * Waits for the images, restores the workload and holds it.
   *
   * @param linkPatience how long the link between the agents may be cut, while it is restored and
   *     pages are missing, until it fails with LINK_CUT
   * @return the time from complete images until held
   */
  Duration restore(MigrationRef migration, Duration linkPatience)
      throws AgentException, InterruptedException;

  /** Lets the held workload run. Once the agent received this there is no way back. */
  void resume(MigrationRef migration) throws AgentException, InterruptedException;

  /**
   * Waits until every page is installed.
   *
   * @param sourceAbandoned an operator decided that pages that have not come never will
   * @return what the workload waited for
   */
  DemandFaults complete(MigrationRef migration, boolean sourceAbandoned)
      throws AgentException, InterruptedException;

  /**
   * Ends the target's part. A normal return is a definite "will never run".
   *
   * @param abandoned an operator decided that it ends even if it runs
   */
  void abort(MigrationRef migration, boolean abandoned) throws AgentException, InterruptedException;

  /** Tells a new epoch, and changes nothing else. */
  void greet(MigrationRef migration) throws AgentException, InterruptedException;
}
