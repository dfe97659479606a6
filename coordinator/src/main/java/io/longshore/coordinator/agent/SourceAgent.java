package io.longshore.coordinator.agent;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The giving side of a migration. Every call blocks, ends early with {@link InterruptedException}
 * when its thread is interrupted, and can be repeated: the agent takes up what an earlier one began
 * and answers the same.
 */
public interface SourceAgent {
  /**
   * Looks at a workload and changes nothing.
   *
   * @param container what is to become of it on the target, if it is a container
   */
  Inspection inspect(Workload workload, ContainerPolicy container, List<String> serviceAddresses)
      throws AgentException, InterruptedException;

  /** The workloads that the host's runtimes keep a list of. */
  List<ListedWorkload> list() throws AgentException, InterruptedException;

  /** Watches a running workload for so long and changes nothing. */
  WorkloadProfile profile(Workload workload, Duration time)
      throws AgentException, InterruptedException;

  /**
   * Measures the way to a target.
   *
   * @param transferEndpoint where it receives, host:port
   */
  LinkProfile probe(String transferEndpoint) throws AgentException, InterruptedException;

  /**
   * Verifies the workload, connects to the target and builds the fence. The workload keeps running.
   *
   * @param container what is to become of it on the target, if it is a container
   */
  void prepare(
      MigrationRef migration,
      Workload workload,
      ContainerPolicy container,
      List<String> serviceAddresses,
      TransferAccess target)
      throws AgentException, InterruptedException;

  /**
   * Sends the running workload's memory in rounds.
   *
   * @param pageBudget how long pages may take while the workload stands still: they end when the
   *     rest fits
   * @param maxRounds at most so many
   * @param throttle whether the workload is slowed when they would end without having converged
   * @param linkPatience how long the link between the agents may be cut until it fails with
   *     LINK_CUT
   * @param progress is told of every report but the last, on this thread
   * @return the last report
   */
  RoundReport copy(
      MigrationRef migration,
      Duration pageBudget,
      int maxRounds,
      boolean throttle,
      Duration linkPatience,
      Consumer<RoundReport> progress)
      throws AgentException, InterruptedException;

  /**
   * Freezes the workload; returns when the target has stored all its images.
   *
   * @param linkPatience how long the link between the agents may be cut, while the workload still
   *     runs, until it fails with LINK_CUT
   */
  FreezeReport freeze(MigrationRef migration, Duration linkPatience)
      throws AgentException, InterruptedException;

  /**
   * Sends every page that is stale on the target.
   *
   * @param resumed whether the workload runs on the target: then it is served first
   * @param linkPatience how long the link between the agents may be cut until it fails with
   *     LINK_CUT; null: as long as it takes
   * @param progress is told of every report but the last, on this thread
   * @return the last report, with nothing stale
   */
  PushReport push(
      MigrationRef migration,
      boolean resumed,
      @Nullable Duration linkPatience,
      Consumer<PushReport> progress)
      throws AgentException, InterruptedException;

  /**
   * Sets how fast pages may be sent.
   *
   * @param maxBandwidth bytes a second, 0: as fast as may be
   * @param revision of the migration: an order older than the last one changes nothing
   */
  void limit(MigrationRef migration, long maxBandwidth, long revision)
      throws AgentException, InterruptedException;

  /**
   * Ends the frozen copy. Only after the target resumed and has installed every page.
   *
   * @param abandoned an operator decided that it ends even so
   */
  void release(MigrationRef migration, boolean abandoned)
      throws AgentException, InterruptedException;

  /**
   * Lets the workload run on at the source. Only when the target said that it will never run it.
   */
  void rollBack(MigrationRef migration) throws AgentException, InterruptedException;

  /** Tells a new epoch, and changes nothing else. */
  void greet(MigrationRef migration) throws AgentException, InterruptedException;
}
