package io.longshore.cli;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import io.longshore.v1.Agent;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.MigrationError;
import io.longshore.v1.MigrationResult;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.Node;
import io.longshore.v1.NodeCapabilities;
import io.longshore.v1.ProcessWorkload;
import io.longshore.v1.Progress;
import io.longshore.v1.Resolution;
import io.longshore.v1.SelfTest;
import io.longshore.v1.Strategy;
import io.longshore.v1.Waiting;
import io.longshore.v1.Workload;
import java.util.List;

/** Messages as a coordinator sends them. */
final class Samples {
  static final long GIB = 1L << 30;

  static final MigrationSpec SPEC =
      MigrationSpec.newBuilder()
          .setSourceNode("a")
          .setTargetNode("b")
          .setStrategy(Strategy.STRATEGY_POST_COPY)
          .setWorkload(Workload.newBuilder().setProcess(ProcessWorkload.newBuilder().setPid(20001)))
          .build();

  static final MigrationResult RESULT =
      MigrationResult.newBuilder()
          .setDowntime(milliseconds(118))
          .setFreezeTime(milliseconds(85))
          .setRestoreTime(milliseconds(30))
          .setTotalTime(milliseconds(2410))
          .setMemoryBytes(GIB)
          .setBytesOnWire(GIB + 5_000_000)
          .setStalePages(262_144)
          .setPagesSent(262_000)
          .setZeroPages(144)
          .setDemandFaults(17)
          .setDemandFaultP50(milliseconds(2))
          .setDemandFaultP99(milliseconds(31))
          .setImageBytes(320_000)
          .build();

  static final SelfTest PASSED =
      SelfTest.newBuilder()
          .setState(SelfTest.State.STATE_PASSED)
          .setRuns(2)
          .setDuration(milliseconds(412))
          .setDowntime(milliseconds(118))
          .setFinishTime(Timestamp.newBuilder().setSeconds(1_795_000_000))
          .setMigrationId("m-1")
          .build();

  static final SelfTest NOT_PASSED =
      PASSED.toBuilder()
          .setState(SelfTest.State.STATE_FAILED)
          .setReason("CRIU_RESTORE_FAILED")
          .setMessage("it would not")
          .build();

  private Samples() {}

  static Migration in(State state) {
    return Migration.newBuilder()
        .setId("m-1")
        .setSpec(SPEC)
        .setState(state)
        .setCreateTime(Timestamp.newBuilder().setSeconds(1_795_000_000))
        .setTraceId("0af7651916cd43dd8448eb211c80319c")
        .build();
  }

  static Migration moving(State state, long moved, long total, long rate) {
    return in(state).toBuilder()
        .setProgress(
            Progress.newBuilder().setMovedBytes(moved).setTotalBytes(total).setBytesPerSecond(rate))
        .build();
  }

  static Migration waiting(State state, String what, String reason, Resolution... resolutions) {
    return waitingSince(1_795_000_000, state, what, reason, resolutions);
  }

  /**
   * @param since in seconds since 1970
   */
  static Migration waitingSince(
      long since, State state, String what, String reason, Resolution... resolutions) {
    return in(state).toBuilder()
        .addWaiting(
            Waiting.newBuilder()
                .setWhat(what)
                .setReason(reason)
                .setMessage("told to")
                .setSince(Timestamp.newBuilder().setSeconds(since))
                .addAllResolutions(List.of(resolutions)))
        .build();
  }

  static Migration succeeded() {
    return in(State.STATE_SUCCEEDED).toBuilder().setDone(true).setResult(RESULT).build();
  }

  static Migration failed(String reason, String message, String... criuLog) {
    return in(State.STATE_FAILED).toBuilder()
        .setDone(true)
        .setError(
            MigrationError.newBuilder()
                .setReason(reason)
                .setMessage(message)
                .addAllCriuLog(List.of(criuLog)))
        .build();
  }

  static Node node(String name) {
    return Node.newBuilder()
        .setName(name)
        .setState(Node.State.STATE_PARTIAL)
        .setSourceAgent(
            Agent.newBuilder()
                .setEndpoint("10.77.0.11:7710")
                .setVersion("0.1.0")
                .setAvailable(true)
                .setLastHeartbeatTime(Timestamp.newBuilder().setSeconds(1_795_000_000)))
        .setTargetAgent(Agent.newBuilder().setEndpoint("10.77.0.11:7720").setVersion("0.1.0"))
        .setCapabilities(
            NodeCapabilities.newBuilder()
                .setArchitecture("x86_64")
                .setKernelRelease("6.18.0")
                .setCriuVersion("4.1.1")
                .setLazyRestore(true)
                .addRuntimes("process")
                .setAvailableMemoryBytes(3 * GIB)
                .setTotalMemoryBytes(4 * GIB))
        .build();
  }

  private static Duration milliseconds(int milliseconds) {
    return Duration.newBuilder()
        .setSeconds(milliseconds / 1000)
        .setNanos(milliseconds % 1000 * 1_000_000)
        .build();
  }
}
