package io.longshore.coordinator.migration;

import io.longshore.coordinator.agent.MigrationRef;
import io.longshore.coordinator.plan.Expectation;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.plan.Strategy;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A migration as it is stored. Immutable; every change has a greater revision.
 *
 * @param id unique name, chosen by the coordinator
 * @param requestId the caller's request id
 * @param requestedStrategy the strategy of the request, before the planner chose
 * @param spec what it is to do, with the strategy that is in use
 * @param phase where it stands
 * @param failure why it fails or failed, null otherwise
 * @param measurements what was measured
 * @param epoch grows whenever a coordinator takes the migration up
 * @param revision grows with every change
 * @param createTime when it was created
 * @param updateTime when it last changed
 * @param finishTime when it became done, null before
 * @param resolution what an operator has decided, null if nothing
 * @param fencePending whether the node that was abandoned has yet to be told
 * @param maxBandwidth that holds now, as in the policy: it may be changed
 * @param traceParent W3C traceparent of its root span, empty if there is none
 * @param expectation what the planner expected it to take, null if it predicted nothing
 * @param waiting what an agent is asked for again; not stored, only who drives the migration knows
 */
public record Migration(
    String id,
    String requestId,
    Strategy requestedStrategy,
    MigrationSpec spec,
    Phase phase,
    @Nullable Failure failure,
    Measurements measurements,
    long epoch,
    long revision,
    Instant createTime,
    Instant updateTime,
    @Nullable Instant finishTime,
    @Nullable Resolution resolution,
    boolean fencePending,
    long maxBandwidth,
    String traceParent,
    @Nullable Expectation expectation,
    List<Waiting> waiting) {

  public Migration {
    waiting = List.copyOf(waiting);
    // What is shown must not change by being stored.
    createTime = createTime.truncatedTo(ChronoUnit.MICROS);
    updateTime = updateTime.truncatedTo(ChronoUnit.MICROS);
    finishTime = finishTime == null ? null : finishTime.truncatedTo(ChronoUnit.MICROS);
    if (phase.done() == (finishTime == null)) {
      throw new IllegalArgumentException("finishTime " + finishTime + " in phase " + phase);
    }
  }

  static Migration create(
      String id,
      String requestId,
      Strategy requested,
      MigrationSpec spec,
      Instant now,
      String traceParent,
      @Nullable Expectation expectation) {
    return new Migration(
        id,
        requestId,
        requested,
        spec,
        Phase.PENDING,
        null,
        Measurements.NONE,
        1,
        1,
        now,
        now,
        null,
        null,
        false,
        spec.policy().maxBandwidth(),
        traceParent,
        expectation,
        List.of());
  }

  /** What agents are told. */
  public MigrationRef ref() {
    return new MigrationRef(id, epoch);
  }

  /** The spec as it was asked for. */
  public MigrationSpec requestedSpec() {
    return spec.withStrategy(requestedStrategy);
  }

  Migration takenUp(Instant now) {
    return new Migration(
        id,
        requestId,
        requestedStrategy,
        spec,
        phase,
        failure,
        measurements,
        epoch + 1,
        revision + 1,
        createTime,
        now,
        finishTime,
        resolution,
        fencePending,
        maxBandwidth,
        traceParent,
        expectation,
        List.of());
  }

  /** The same with an operator's decision, which has an epoch of its own. */
  Migration resolved(Resolution decided) {
    return new Migration(
        id,
        requestId,
        requestedStrategy,
        spec,
        phase,
        failure,
        measurements,
        epoch + 1,
        revision,
        createTime,
        updateTime,
        finishTime,
        decided,
        true,
        maxBandwidth,
        traceParent,
        expectation,
        List.of());
  }

  /** The node that was abandoned was told. */
  Migration fenced(Instant now) {
    return new Migration(
        id,
        requestId,
        requestedStrategy,
        spec,
        phase,
        failure,
        measurements,
        epoch,
        revision + 1,
        createTime,
        now,
        finishTime,
        resolution,
        false,
        maxBandwidth,
        traceParent,
        expectation,
        waiting);
  }

  /** The same, going on with another strategy. */
  Migration as(Strategy strategy) {
    return new Migration(
        id,
        requestId,
        requestedStrategy,
        spec.withStrategy(strategy),
        phase,
        failure,
        measurements,
        epoch,
        revision,
        createTime,
        updateTime,
        finishTime,
        resolution,
        fencePending,
        maxBandwidth,
        traceParent,
        expectation,
        waiting);
  }

  /** The same with another bandwidth. */
  Migration limited(long newMaxBandwidth, Instant now) {
    return new Migration(
        id,
        requestId,
        requestedStrategy,
        spec,
        phase,
        failure,
        measurements,
        epoch,
        revision + 1,
        createTime,
        now,
        finishTime,
        resolution,
        fencePending,
        newMaxBandwidth,
        traceParent,
        expectation,
        waiting);
  }

  Migration changed(
      Phase newPhase, @Nullable Failure newFailure, Measurements measured, Instant now) {
    return new Migration(
        id,
        requestId,
        requestedStrategy,
        spec,
        newPhase,
        newFailure,
        measured,
        epoch,
        revision + 1,
        createTime,
        now,
        newPhase.done() ? now : null,
        resolution,
        fencePending,
        maxBandwidth,
        traceParent,
        expectation,
        waiting);
  }

  /** What it waits for of an effect. */
  Optional<Waiting> waitingFor(Effect effect) {
    return waiting.stream().filter(one -> one.effect() == effect).findAny();
  }

  /** The same, waiting for this too. */
  Migration waiting(Waiting more) {
    Migration others = notWaitingFor(more.effect());
    return others.with(Stream.concat(others.waiting.stream(), Stream.of(more)).toList());
  }

  /** The same, as an effect has ended or gets on. */
  Migration notWaitingFor(Effect effect) {
    return with(waiting.stream().filter(one -> one.effect() != effect).toList());
  }

  /** The same, as no other effects are wanted any more. */
  Migration waitingOnlyFor(List<Effect> effects) {
    return with(waiting.stream().filter(one -> effects.contains(one.effect())).toList());
  }

  private Migration with(List<Waiting> now) {
    return new Migration(
        id,
        requestId,
        requestedStrategy,
        spec,
        phase,
        failure,
        measurements,
        epoch,
        revision,
        createTime,
        updateTime,
        finishTime,
        resolution,
        fencePending,
        maxBandwidth,
        traceParent,
        expectation,
        now);
  }
}
