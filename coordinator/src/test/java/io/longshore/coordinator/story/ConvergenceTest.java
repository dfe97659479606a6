package io.longshore.coordinator.story;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.agent.v1.AgentRole;
import io.longshore.agent.v1.CopyRoundsResponse.End;
import io.longshore.v1.Migration;
import io.longshore.v1.Migration.State;
import io.longshore.v1.OnNoConvergence;
import io.longshore.v1.Strategy;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the policy makes of rounds that the workload outpaces. */
final class ConvergenceTest {
  @TempDir Path folder;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(folder);
    cluster.source.end = End.END_NO_GAIN;
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  private Migration run(Strategy strategy, OnNoConvergence then) {
    return cluster.awaitDone(cluster.create("r", Cluster.spec(strategy, then)).getId());
  }

  @ParameterizedTest
  @EnumSource(names = {"END_NO_GAIN", "END_MAX_ROUNDS"})
  void preCopyGoesOnAsHybrid(End end) {
    cluster.source.end = end;

    Migration done = run(Strategy.STRATEGY_PRE_COPY, OnNoConvergence.ON_NO_CONVERGENCE_UNSPECIFIED);

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(cluster.script.calls())
        .containsSubsequence("CopyRounds", "FreezeWorkload", "ResumeWorkload", "PushPages");
    assertThat(done.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_HYBRID);
    assertThat(done.getRequestedStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
    // Repeated, the call still finds its migration.
    assertThat(
            cluster.create(
                "r",
                Cluster.spec(
                    Strategy.STRATEGY_PRE_COPY, OnNoConvergence.ON_NO_CONVERGENCE_UNSPECIFIED)))
        .isEqualTo(done);
  }

  @Test
  void staysHybridWhenTheCoordinatorIsRestarted() throws Exception {
    Script.Gate freeze = cluster.script.hold("FreezeWorkload");
    String id = cluster.create(Strategy.STRATEGY_PRE_COPY).getId();
    freeze.awaitReached();
    cluster.stopCoordinator();
    cluster.startCoordinator();
    cluster.heartbeats();

    assertThat(cluster.get(id).getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_HYBRID);
    freeze.open();
    Migration done = cluster.awaitDone(id);
    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(done.getRequestedStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
    assertThat(cluster.script.calls())
        .containsSubsequence("FreezeWorkload", "ResumeWorkload", "PushPages");
  }

  @ParameterizedTest
  @EnumSource(names = {"STRATEGY_PRE_COPY", "STRATEGY_HYBRID"})
  void abortRollsBackWithoutAFreeze(Strategy strategy) {
    Migration done = run(strategy, OnNoConvergence.ON_NO_CONVERGENCE_ABORT);

    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("NO_CONVERGENCE");
    assertThat(done.getError().getMessage()).contains("after round 3 (NO_GAIN) 50 of 1000 pages");
    assertThat(done.getSpec().getStrategy()).isEqualTo(strategy);
    assertThat(cluster.script.calls())
        .endsWith("CopyRounds", "AbortTarget", "RollBackSource")
        .doesNotContain("FreezeWorkload");
  }

  @Test
  void forceSendsAllBeforeTheResume() {
    Migration done = run(Strategy.STRATEGY_PRE_COPY, OnNoConvergence.ON_NO_CONVERGENCE_FORCE);

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(done.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_PRE_COPY);
    assertThat(cluster.script.calls())
        .containsSubsequence("CopyRounds", "FreezeWorkload", "PushPages", "ResumeWorkload");
  }

  @Test
  void hybridGoesOn() {
    Migration done = run(Strategy.STRATEGY_HYBRID, OnNoConvergence.ON_NO_CONVERGENCE_POST_COPY);

    assertThat(done.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(done.getSpec().getStrategy()).isEqualTo(Strategy.STRATEGY_HYBRID);
  }

  @Test
  void aTargetThatCannotRestoreLazilyHasNothingToFallBackTo() {
    cluster.heartbeat("b", AgentRole.AGENT_ROLE_TARGET, cluster.targetAddress(), false);

    Migration done = run(Strategy.STRATEGY_PRE_COPY, OnNoConvergence.ON_NO_CONVERGENCE_POST_COPY);

    assertThat(done.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(done.getError().getReason()).isEqualTo("NO_CONVERGENCE");
    assertThat(done.getError().getMessage()).contains("cannot restore lazily");
    assertThat(cluster.script.calls()).doesNotContain("FreezeWorkload");
  }
}
