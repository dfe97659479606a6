package io.longshore.coordinator.agent.rpc;

import io.longshore.coordinator.agent.MemorySizes;
import io.longshore.coordinator.agent.MigrationRef;
import io.longshore.coordinator.agent.Obstacle;
import io.longshore.coordinator.agent.PushReport;
import io.longshore.coordinator.agent.RoundReport;
import io.longshore.coordinator.agent.WorkloadProfile;
import java.time.Duration;
import java.util.List;

/** What is said to agents and heard from them, as messages. */
final class AgentMessages {
  private AgentMessages() {}

  static io.longshore.agent.v1.MigrationRef ref(MigrationRef migration) {
    return io.longshore.agent.v1.MigrationRef.newBuilder()
        .setMigrationId(migration.id())
        .setEpoch(migration.epoch())
        .build();
  }

  static List<Obstacle> obstacles(List<io.longshore.v1.Obstacle> messages) {
    return messages.stream()
        .map(o -> new Obstacle(o.getReason(), o.getMessage(), o.getRemedy()))
        .toList();
  }

  static Duration duration(com.google.protobuf.Duration message) {
    return Duration.ofSeconds(message.getSeconds(), message.getNanos());
  }

  static RoundReport rounds(io.longshore.agent.v1.CopyRoundsResponse message) {
    return new RoundReport(
        message.getRound(),
        message.getTotalPages(),
        message.getHeldPages(),
        message.getPagesSent(),
        message.getZeroPages(),
        message.getBytesOnWire(),
        switch (message.getEnd()) {
          case END_UNSPECIFIED, UNRECOGNIZED -> "";
          case END_CONVERGED -> RoundReport.CONVERGED;
          case END_NO_GAIN -> "NO_GAIN";
          case END_MAX_ROUNDS -> "MAX_ROUNDS";
        },
        message.getTracker(),
        message.getLinkCut(),
        message.getThrottledPercent());
  }

  static WorkloadProfile profile(io.longshore.agent.v1.ProfileWorkloadResponse message) {
    io.longshore.v1.MemorySizes sizes = message.getSizes();
    return new WorkloadProfile(
        new MemorySizes(
            sizes.getPageBytes(),
            sizes.getLockedBytes(),
            sizes.getFilePrivateBytes(),
            sizes.getSharedBytes(),
            sizes.getUntouchedBytes()),
        message.getSampledPages(),
        message.getZeroPages(),
        message.getCompressedShare(),
        message.getWrittenList().stream()
            .map(
                each ->
                    new WorkloadProfile.Interval(
                        duration(each.getLength()), each.getChangedPages()))
            .toList(),
        message.getTracker());
  }

  static PushReport push(io.longshore.agent.v1.PushPagesResponse message) {
    return new PushReport(
        message.getTotalPages(),
        message.getStoredPages(),
        message.getPagesSent(),
        message.getZeroPages(),
        message.getBytesOnWire(),
        message.getComplete(),
        message.getLinkCut());
  }
}
