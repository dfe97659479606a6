package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.util.Durations;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.MigrationPlan;
import io.longshore.v1.MigrationSpec;
import io.longshore.v1.Obstacle;
import io.longshore.v1.PlanMigrationRequest;
import io.longshore.v1.Policy;
import io.longshore.v1.PostCopy;
import io.longshore.v1.Prediction;
import io.longshore.v1.Strategy;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is predicted, and what the planner chooses for it. Links take 100 MB a second. */
final class PlanTest {
  private static final long MIB = 1 << 20;
  private static final int QUIET = 0;
  private static final int SOMEWHAT = 40;
  private static final int QUICK = 4000;

  @TempDir Path folder;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(folder);
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  private MigrationPlan plan(MigrationSpec spec) {
    return cluster
        .migrations()
        .planMigration(PlanMigrationRequest.newBuilder().setSpec(spec).build())
        .getPlan();
  }

  private static MigrationSpec auto(long budgetMillis) {
    return auto(Policy.newBuilder().setDowntimeBudget(Durations.fromMillis(budgetMillis)));
  }

  private static MigrationSpec auto(Policy.Builder policy) {
    return Cluster.spec(Strategy.STRATEGY_UNSPECIFIED).toBuilder().setPolicy(policy).build();
  }

  @Test
  void showsWhatEachStrategyWouldTake() {
    cluster.source.profile = FakeSource.profile(1000 * MIB, SOMEWHAT);

    MigrationPlan plan = plan(Cluster.spec(Strategy.STRATEGY_POST_COPY));

    assertThat(plan.getStrategyReason()).isEqualTo("asked for");
    assertThat(plan.getPredictionsList())
        .extracting(Prediction::getStrategy)
        .containsExactly(
            Strategy.STRATEGY_STOP_AND_COPY,
            Strategy.STRATEGY_PRE_COPY,
            Strategy.STRATEGY_HYBRID,
            Strategy.STRATEGY_POST_COPY);
    assertThat(plan.getLink().getBytesPerSecond()).isEqualTo(100_000_000);
    assertThat(plan.getProfile().getSizes().getPageBytes()).isEqualTo(1000 * MIB);
    // One hundredth of it in a second.
    assertThat(plan.getProfile().getDirtyRate()).isBetween(10 * MIB, 11 * MIB);
    assertThat(plan.getProfile().getTracker()).isEqualTo("userfaultfd");
    assertThat(plan.getNotesList()).isEmpty();
    assertThat(plan.getPastMigrations()).isZero();
  }

  @Test
  void choosesStopAndCopyForWhatIsSmall() {
    cluster.source.profile = FakeSource.profile(4 * MIB, QUICK);
    MigrationPlan plan = plan(auto(1000));

    assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_STOP_AND_COPY);
    assertThat(plan.getStrategyReason()).contains("is within the budget of 1.0 s");
  }

  @Test
  void choosesPreCopyForWhatConvergesWithinTheBudget() {
    cluster.source.profile = FakeSource.profile(1000 * MIB, SOMEWHAT);
    MigrationPlan plan = plan(auto(1500));

    assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
    assertThat(plan.getStrategyReason()).contains("is within the budget of 1.5 s");
  }

  @Test
  void choosesHybridForWhatDoesNot() {
    cluster.source.profile = FakeSource.profile(1000 * MIB, SOMEWHAT);
    MigrationPlan plan = plan(auto(300));

    assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_HYBRID);
    assertThat(plan.getStrategyReason())
        .contains("stop-and-copy would have a downtime of 1", "pre-copy would have a downtime of");
  }

  @Test
  void choosesPostCopyForWhatWritesFasterThanItIsSent() {
    cluster.source.profile = FakeSource.profile(1000 * MIB, QUICK);
    MigrationPlan plan = plan(auto(1500));

    assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_POST_COPY);
    assertThat(plan.getStrategyReason())
        .contains("pre-copy does not surely converge", "rounds would send");
    assertThat(plan.getPredictionsList().get(1).getConverges()).isFalse();
  }

  @Test
  void choosesPreCopyWherePostCopyIsForbiddenAndSaysWhatBecomesOfIt() {
    cluster.source.profile = FakeSource.profile(1000 * MIB, QUICK);
    MigrationPlan plan = plan(auto(Policy.newBuilder().setPostCopy(PostCopy.POST_COPY_FORBIDDEN)));

    assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
    assertThat(plan.getStrategyReason())
        .contains("post-copy is forbidden", "rolled back if its rounds do not converge");
  }

  @Test
  void refusesWhatIsPredictedToTakeTooLong() {
    cluster.source.profile = FakeSource.profile(1000 * MIB, QUIET);
    MigrationSpec hurried = auto(Policy.newBuilder().setMaxTotalTime(Durations.fromSeconds(2)));

    assertThat(plan(hurried).getObstaclesList())
        .extracting(Obstacle::getReason)
        .containsExactly("TOTAL_TIME_TOO_LONG");
    assertThatThrownBy(() -> cluster.create("r", hurried)).hasMessageContaining("within 2.0 s");
    assertThat(plan(auto(Policy.newBuilder().setMaxTotalTime(Durations.fromSeconds(60)))))
        .satisfies(inTime -> assertThat(inTime.getObstaclesList()).isEmpty());
  }

  @Test
  void theResultHasWhatWasPredictedBesideWhatWasMeasured() throws Exception {
    cluster.source.profile = FakeSource.profile(1000 * MIB, SOMEWHAT);
    Migration created = cluster.create("r", auto(300));
    Migration done = cluster.awaitDone(created.getId());

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(done.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_HYBRID);
    assertThat(done.getResult().hasPredictedDowntime()).isTrue();
    assertThat(done.getResult().getPredictedBytesOnWire()).isGreaterThan(1000 * MIB);
    cluster.stopCoordinator();
    cluster.startCoordinator();
    assertThat(cluster.get(done.getId())).isEqualTo(done);
    // And the next plan goes by what was measured: 80 ms, 50 ms, which the fakes only say, and the
    // rest.
    long measured = Math.max(80 + 50, Durations.toMillis(done.getResult().getDowntime()));
    cluster.heartbeats();
    MigrationPlan next = plan(auto(1500));
    assertThat(next.getPastMigrations()).isEqualTo(1);
    assertThat(Durations.toMillis(next.getPredictionsList().get(3).getDowntime().getExpected()))
        .isBetween(measured - 5, measured + 20);
  }

  @Test
  void aStrategyThatIsAskedForIsNotHeldUp() {
    cluster.source.profile = FakeSource.profile(1000 * MIB, QUICK);
    Migration done = cluster.awaitDone(cluster.create(Strategy.STRATEGY_PRE_COPY).getId());

    assertThat(cluster.script.calls()).doesNotContain("ProfileWorkload", "ProbeLink");
    assertThat(done.getResult().hasPredictedDowntime()).isFalse();
  }

  @Test
  void plansWithoutAProfileToo() {
    MigrationPlan plan = plan(auto(300));

    assertThat(plan.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_POST_COPY);
    assertThat(plan.getPredictionsList()).isEmpty();
    assertThat(plan.getNotesList()).hasSize(2);
    assertThat(plan.getNotesList().get(0)).startsWith("the way could not be measured: ");
    assertThat(plan.getNotesList().get(1)).startsWith("the workload could not be watched: ");
    assertThat(plan.getObstaclesList()).isEmpty();
  }
}
