package io.longshore.coordinator.migration.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import io.longshore.coordinator.migration.Phase;
import io.longshore.coordinator.migration.SampleMigrations;
import io.longshore.v1.Resolution;
import io.longshore.v1.Waiting;
import org.junit.jupiter.api.Test;

final class MigrationMessagesTest {
  @Test
  void sayWhatIsWaitedForAndWhatCanBeDecided() {
    assertThat(
            MigrationMessages.migration(
                    SampleMigrations.waiting(Phase.RESUMING, "RAN_IN_PART", "told to"))
                .getWaitingList())
        .containsExactly(
            Waiting.newBuilder()
                .setWhat("resuming on the target")
                .setReason("RAN_IN_PART")
                .setMessage("told to")
                .setSince(Timestamp.newBuilder().setSeconds(1_795_348_800))
                .addResolutions(Resolution.RESOLUTION_ABANDON_TARGET)
                .build());
  }

  @Test
  void offerOnlyWhatTheStateAllows() {
    assertThat(resolutions(Phase.PREPARING)).isEmpty();
    assertThat(resolutions(Phase.ABORTING)).containsExactly(Resolution.RESOLUTION_ABANDON_TARGET);
    assertThat(resolutions(Phase.ROLLING_BACK)).isEmpty();
    assertThat(resolutions(Phase.PUSHING))
        .containsExactly(
            Resolution.RESOLUTION_ABANDON_TARGET, Resolution.RESOLUTION_ABANDON_SOURCE);
    assertThat(resolutions(Phase.RELEASING)).containsExactly(Resolution.RESOLUTION_ABANDON_SOURCE);
  }

  private static Iterable<Resolution> resolutions(Phase phase) {
    return MigrationMessages.migration(
            SampleMigrations.waiting(phase, "AGENT_UNREACHABLE", "told to"))
        .getWaiting(0)
        .getResolutionsList();
  }
}
