package io.longshore.coordinator.migration.rpc;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import io.longshore.coordinator.agent.Workload;
import io.longshore.coordinator.migration.Failure;
import io.longshore.coordinator.migration.Measurements;
import io.longshore.coordinator.migration.Migration;
import io.longshore.coordinator.migration.Phase;
import io.longshore.coordinator.migration.Resolution;
import io.longshore.coordinator.migration.Waiting;
import io.longshore.coordinator.plan.Expectation;
import io.longshore.coordinator.plan.MigrationSpec;
import io.longshore.coordinator.plan.OnNoConvergence;
import io.longshore.coordinator.plan.PostCopy;
import io.longshore.coordinator.plan.Strategy;
import io.longshore.coordinator.rpc.ContainerMessages;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.telemetry.TraceParent;
import io.longshore.v1.MigrationError;
import io.longshore.v1.MigrationResult;
import io.longshore.v1.Policy;
import io.longshore.v1.Progress;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Migrations as messages. */
final class MigrationMessages {
  private MigrationMessages() {}

  static io.longshore.v1.Migration migration(Migration migration) {
    io.longshore.v1.Migration.Builder message =
        io.longshore.v1.Migration.newBuilder()
            .setId(migration.id())
            .setRequestId(migration.requestId())
            .setSpec(spec(migration.spec()))
            .setRequestedStrategy(strategy(migration.requestedStrategy()))
            .setState(state(migration.phase()))
            .setDone(migration.phase().done())
            .setProgress(progress(migration))
            .setRevision(migration.revision())
            .setCreateTime(timestamp(migration.createTime()))
            .setUpdateTime(timestamp(migration.updateTime()))
            .setTraceId(TraceParent.traceId(TraceParent.parse(migration.traceParent())))
            .setResolution(resolution(migration.resolution()))
            .setAbandonedNodePending(migration.fencePending())
            .setMaxBandwidth(migration.maxBandwidth())
            .setEpoch(migration.epoch());
    Failure failure = migration.failure();
    if (failure != null) {
      message.setError(
          MigrationError.newBuilder()
              .setReason(failure.reason())
              .setMessage(failure.message())
              .addAllCriuLog(failure.criuLog()));
    }
    for (Waiting waiting : migration.waiting()) {
      message.addWaiting(waiting(waiting, Resolution.allowed(migration)));
    }
    Instant finished = migration.finishTime();
    if (finished != null) {
      message.setFinishTime(timestamp(finished));
      if (migration.phase() == Phase.SUCCEEDED) {
        message.setResult(
            result(
                migration.measurements(),
                java.time.Duration.between(migration.createTime(), finished),
                migration.expectation()));
      }
    }
    return message.build();
  }

  private static io.longshore.v1.Waiting waiting(Waiting waiting, List<Resolution> allowed) {
    return io.longshore.v1.Waiting.newBuilder()
        .setWhat(waiting.what())
        .setReason(waiting.reason())
        .setMessage(waiting.message())
        .setSince(timestamp(waiting.since()))
        .addAllResolutions(allowed.stream().map(MigrationMessages::resolution).toList())
        .build();
  }

  private static io.longshore.v1.Resolution resolution(@Nullable Resolution resolution) {
    if (resolution == null) {
      return io.longshore.v1.Resolution.RESOLUTION_UNSPECIFIED;
    }
    return switch (resolution) {
      case ABANDON_TARGET -> io.longshore.v1.Resolution.RESOLUTION_ABANDON_TARGET;
      case ABANDON_SOURCE -> io.longshore.v1.Resolution.RESOLUTION_ABANDON_SOURCE;
    };
  }

  static Resolution resolution(io.longshore.v1.Resolution message) {
    return switch (message) {
      case RESOLUTION_ABANDON_TARGET -> Resolution.ABANDON_TARGET;
      case RESOLUTION_ABANDON_SOURCE -> Resolution.ABANDON_SOURCE;
      case RESOLUTION_UNSPECIFIED, UNRECOGNIZED ->
          throw new LongshoreException(Reason.INVALID_ARGUMENT, "resolution: it is missing");
    };
  }

  /** The state that a caller means. */
  static Phase.State state(io.longshore.v1.Migration.State message) {
    for (Phase phase : Phase.values()) {
      if (state(phase) == message) {
        return phase.state();
      }
    }
    throw new LongshoreException(
        Reason.INVALID_ARGUMENT, "state: the state for which the loss was said is missing");
  }

  private static io.longshore.v1.Migration.State state(Phase phase) {
    return switch (phase.state()) {
      case PENDING -> io.longshore.v1.Migration.State.STATE_PENDING;
      case PREPARING -> io.longshore.v1.Migration.State.STATE_PREPARING;
      case COPYING -> io.longshore.v1.Migration.State.STATE_COPYING;
      case FREEZING -> io.longshore.v1.Migration.State.STATE_FREEZING;
      case TRANSFERRING -> io.longshore.v1.Migration.State.STATE_TRANSFERRING;
      case RESTORING -> io.longshore.v1.Migration.State.STATE_RESTORING;
      case RESUMING -> io.longshore.v1.Migration.State.STATE_RESUMING;
      case PUSHING -> io.longshore.v1.Migration.State.STATE_PUSHING;
      case RELEASING -> io.longshore.v1.Migration.State.STATE_RELEASING;
      case SUCCEEDED -> io.longshore.v1.Migration.State.STATE_SUCCEEDED;
      case ROLLING_BACK -> io.longshore.v1.Migration.State.STATE_ROLLING_BACK;
      case FAILED -> io.longshore.v1.Migration.State.STATE_FAILED;
      case CANCELLED -> io.longshore.v1.Migration.State.STATE_CANCELLED;
    };
  }

  private static Progress progress(Migration migration) {
    Measurements measured = migration.measurements();
    boolean linkCut = measured.rounds().linkCut() || measured.push().linkCut();
    return Progress.newBuilder()
        .setTotalBytes(measured.totalPages() * Measurements.PAGE_BYTES)
        .setMovedBytes(measured.movedPages() * Measurements.PAGE_BYTES)
        .setBytesPerSecond(measured.bytesPerSecond())
        .setLinkCut(linkCut && !migration.phase().done())
        .setThrottledPercent(
            migration.phase() == Phase.COPYING ? measured.rounds().throttledPercent() : 0)
        .build();
  }

  private static MigrationResult result(
      Measurements measured, java.time.Duration total, @Nullable Expectation expected) {
    MigrationResult.Builder result =
        MigrationResult.newBuilder()
            .setTotalTime(duration(total))
            .setMemoryBytes(measured.memoryBytes())
            .setBytesOnWire(measured.push().bytesOnWire())
            .setPagesSent(measured.rounds().pagesSent() + measured.push().pagesSent())
            .setZeroPages(measured.rounds().zeroPages() + measured.push().zeroPages())
            .setRounds(measured.rounds().round())
            .setStalePages(measured.stalePages())
            .setDemandFaults(measured.demandFaults().count())
            .setImageBytes(measured.imageBytes());
    if (measured.demandFaults().count() > 0) {
      result
          .setDemandFaultP50(duration(measured.demandFaults().median()))
          .setDemandFaultP99(duration(measured.demandFaults().percentile99()));
    }
    java.time.Duration downtime = measured.downtime();
    if (downtime != null) {
      result.setDowntime(duration(downtime));
    }
    java.time.Duration freeze = measured.freezeTime();
    if (freeze != null) {
      result.setFreezeTime(duration(freeze));
    }
    java.time.Duration restore = measured.restoreTime();
    if (restore != null) {
      result.setRestoreTime(duration(restore));
    }
    if (expected != null) {
      result
          .setPredictedDowntime(PlanMessages.estimate(expected.downtime()))
          .setPredictedTotalTime(PlanMessages.estimate(expected.totalTime()))
          .setPredictedBytesOnWire(expected.bytesOnWire());
    }
    return result.build();
  }

  static io.longshore.v1.MigrationSpec spec(MigrationSpec spec) {
    io.longshore.v1.MigrationSpec.Builder message =
        io.longshore.v1.MigrationSpec.newBuilder()
            .setSourceNode(spec.sourceNode())
            .setTargetNode(spec.targetNode())
            .setWorkload(ContainerMessages.workload(spec.workload()))
            .setStrategy(strategy(spec.strategy()))
            .addAllServiceAddresses(spec.serviceAddresses())
            .setPolicy(policy(spec.policy()));
    if (spec.workload() instanceof Workload.Container) {
      message.setContainer(ContainerMessages.policy(spec.container()));
    }
    return message.build();
  }

  private static Policy policy(io.longshore.coordinator.plan.Policy policy) {
    Policy.Builder message =
        Policy.newBuilder()
            .setDowntimeBudget(duration(policy.downtimeBudget()))
            .setMaxRounds(policy.maxRounds())
            .setPostCopy(postCopy(policy.postCopy()))
            .setOnNoConvergence(onNoConvergence(policy.onNoConvergence()))
            .setMaxBandwidth(policy.maxBandwidth());
    policy.maxTotalTime().ifPresent(most -> message.setMaxTotalTime(duration(most)));
    return message.build();
  }

  private static io.longshore.v1.PostCopy postCopy(PostCopy postCopy) {
    return switch (postCopy) {
      case ALLOWED -> io.longshore.v1.PostCopy.POST_COPY_ALLOWED;
      case FORBIDDEN -> io.longshore.v1.PostCopy.POST_COPY_FORBIDDEN;
    };
  }

  private static io.longshore.v1.OnNoConvergence onNoConvergence(OnNoConvergence then) {
    return switch (then) {
      case POST_COPY -> io.longshore.v1.OnNoConvergence.ON_NO_CONVERGENCE_POST_COPY;
      case ABORT -> io.longshore.v1.OnNoConvergence.ON_NO_CONVERGENCE_ABORT;
      case FORCE -> io.longshore.v1.OnNoConvergence.ON_NO_CONVERGENCE_FORCE;
      case THROTTLE -> io.longshore.v1.OnNoConvergence.ON_NO_CONVERGENCE_THROTTLE;
    };
  }

  static io.longshore.v1.Strategy strategy(Strategy strategy) {
    return switch (strategy) {
      case UNSPECIFIED -> io.longshore.v1.Strategy.STRATEGY_UNSPECIFIED;
      case STOP_AND_COPY -> io.longshore.v1.Strategy.STRATEGY_STOP_AND_COPY;
      case POST_COPY -> io.longshore.v1.Strategy.STRATEGY_POST_COPY;
      case PRE_COPY -> io.longshore.v1.Strategy.STRATEGY_PRE_COPY;
      case HYBRID -> io.longshore.v1.Strategy.STRATEGY_HYBRID;
    };
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }

  static Duration duration(java.time.Duration time) {
    return Duration.newBuilder().setSeconds(time.getSeconds()).setNanos(time.getNano()).build();
  }
}
