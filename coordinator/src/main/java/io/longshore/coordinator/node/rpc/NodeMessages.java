package io.longshore.coordinator.node.rpc;

import com.google.protobuf.Timestamp;
import io.longshore.coordinator.agent.ListedWorkload;
import io.longshore.coordinator.node.Agent;
import io.longshore.coordinator.node.Node;
import io.longshore.coordinator.node.NodeCapabilities;
import io.longshore.coordinator.node.SelfTest;
import io.longshore.coordinator.rpc.ContainerMessages;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Nodes as messages. */
public final class NodeMessages {
  private NodeMessages() {}

  static io.longshore.v1.ListedWorkload workload(ListedWorkload listed) {
    return io.longshore.v1.ListedWorkload.newBuilder()
        .setWorkload(ContainerMessages.workload(listed.workload()))
        .setPid(listed.pid())
        .setState(listed.state())
        .addAllObstacles(
            listed.obstacles().stream()
                .map(
                    each ->
                        io.longshore.v1.Obstacle.newBuilder()
                            .setReason(each.reason())
                            .setMessage(each.message())
                            .setRemedy(each.remedy())
                            .build())
                .toList())
        .build();
  }

  static io.longshore.v1.Node node(Node node) {
    io.longshore.v1.Node.Builder message =
        io.longshore.v1.Node.newBuilder()
            .setName(node.name())
            .setState(
                switch (node.state()) {
                  case READY -> io.longshore.v1.Node.State.STATE_READY;
                  case PARTIAL -> io.longshore.v1.Node.State.STATE_PARTIAL;
                  case UNAVAILABLE -> io.longshore.v1.Node.State.STATE_UNAVAILABLE;
                  case TESTING -> io.longshore.v1.Node.State.STATE_TESTING;
                  case UNFIT -> io.longshore.v1.Node.State.STATE_UNFIT;
                })
            .setCapabilities(capabilities(node.capabilities()));
    Agent source = node.sourceAgent();
    if (source != null) {
      message.setSourceAgent(agent(source));
    }
    Agent target = node.targetAgent();
    if (target != null) {
      message.setTargetAgent(agent(target));
    }
    selfTest(node.selfTest()).ifPresent(message::setSelfTest);
    return message.build();
  }

  private static Optional<io.longshore.v1.SelfTest> selfTest(SelfTest test) {
    return switch (test) {
      case SelfTest.None _ -> Optional.empty();
      case SelfTest.Due _, SelfTest.Running _ ->
          Optional.of(
              io.longshore.v1.SelfTest.newBuilder()
                  .setState(io.longshore.v1.SelfTest.State.STATE_RUNNING)
                  .build());
      case SelfTest.Passed(SelfTest.Run run, Instant time) ->
          Optional.of(
              over(run, time).setState(io.longshore.v1.SelfTest.State.STATE_PASSED).build());
      case SelfTest.Failed(SelfTest.Run run, Instant time, String reason, String text) ->
          Optional.of(
              over(run, time)
                  .setState(io.longshore.v1.SelfTest.State.STATE_FAILED)
                  .setReason(reason)
                  .setMessage(text)
                  .build());
    };
  }

  private static io.longshore.v1.SelfTest.Builder over(SelfTest.Run run, Instant time) {
    return io.longshore.v1.SelfTest.newBuilder()
        .setRuns(run.number())
        .setDuration(duration(run.duration()))
        .setDowntime(duration(run.downtime()))
        .setFinishTime(timestamp(time))
        .setMigrationId(run.migrationId());
  }

  private static io.longshore.v1.Agent agent(Agent agent) {
    return io.longshore.v1.Agent.newBuilder()
        .setEndpoint(agent.endpoint())
        .setVersion(agent.version())
        .setLastHeartbeatTime(timestamp(agent.lastHeartbeat()))
        .setAvailable(agent.available())
        .build();
  }

  private static com.google.protobuf.Duration duration(Duration value) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(value.getSeconds())
        .setNanos(value.getNano())
        .build();
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }

  /** Capabilities as a message. */
  public static io.longshore.v1.NodeCapabilities capabilities(NodeCapabilities host) {
    return io.longshore.v1.NodeCapabilities.newBuilder()
        .setArchitecture(host.architecture())
        .addAllCpuFeatures(host.cpuFeatures())
        .setKernelRelease(host.kernelRelease())
        .setCriuVersion(host.criuVersion())
        .setLazyRestore(host.lazyRestore())
        .addAllRuntimes(host.runtimes())
        .setAvailableMemoryBytes(host.availableMemoryBytes())
        .setTotalMemoryBytes(host.totalMemoryBytes())
        .build();
  }

  static NodeCapabilities capabilities(io.longshore.v1.NodeCapabilities message) {
    return new NodeCapabilities(
        message.getArchitecture(),
        message.getCpuFeaturesList(),
        message.getKernelRelease(),
        message.getCriuVersion(),
        message.getLazyRestore(),
        message.getRuntimesList(),
        message.getAvailableMemoryBytes(),
        message.getTotalMemoryBytes());
  }
}
