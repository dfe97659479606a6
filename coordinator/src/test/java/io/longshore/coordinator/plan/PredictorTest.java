package io.longshore.coordinator.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.coordinator.agent.LinkProfile;
import io.longshore.coordinator.agent.MemorySizes;
import io.longshore.coordinator.agent.WorkloadProfile;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Over a link of 100 MB a second. */
final class PredictorTest {
  private static final long GB = 1_000_000_000;
  private static final LinkProfile LINK = new LinkProfile(Duration.ofNanos(200_000), 100_000_000);
  private static final Policy POLICY = Policy.DEFAULT;

  private static Prediction predict(WorkloadProfile profile, Strategy strategy) {
    return predict(profile, strategy, POLICY);
  }

  private static Prediction predict(WorkloadProfile profile, Strategy strategy, Policy policy) {
    return new Predictor(profile, LINK, SwitchoverTimes.ELSEWHERE).predict(strategy, policy);
  }

  private static double downtime(Prediction prediction) {
    return prediction.expectation().downtime().expected().toNanos() / 1e9;
  }

  private static double total(Prediction prediction) {
    return prediction.expectation().totalTime().expected().toNanos() / 1e9;
  }

  @Test
  void stopAndCopyStandsStillForTheWholeTransfer() {
    Prediction prediction = predict(DirtyCurveTest.seen(GB, 0, 0), Strategy.STOP_AND_COPY);

    // 10 s by the link, and somewhat more for reading and storing.
    assertThat(downtime(prediction)).isBetween(10.0, 11.0);
    assertThat(prediction.expectation().bytesOnWire()).isBetween(GB, GB + GB / 100);
    assertThat(prediction.rounds()).isZero();
  }

  @Test
  void preCopyOfAQuietWorkloadStandsStillForTheSwitchoverOnly() {
    Prediction prediction = predict(DirtyCurveTest.seen(GB, 0, 0), Strategy.PRE_COPY);

    assertThat(downtime(prediction)).isBetween(0.21, 0.24);
    assertThat(prediction.rounds()).isEqualTo(1);
    assertThat(prediction.converges()).isTrue();
    assertThat(total(prediction)).isBetween(10.0, 12.0);
  }

  @Test
  void roundsConvergeOnlyIfItWritesLessThanTheLinkTakes() {
    // 20 MB, 200 MB a second, each spread over all of it.
    Prediction slow = predict(DirtyCurveTest.seen(GB, 21, 81), Strategy.PRE_COPY);
    Prediction fast = predict(DirtyCurveTest.seen(GB, 200, 742), Strategy.PRE_COPY);

    assertThat(slow.converges()).isTrue();
    assertThat(slow.rounds()).isGreaterThan(1);
    assertThat(fast.converges()).isFalse();
  }

  @Test
  void whatDoesNotConvergeTakesWhatThePolicySays() {
    WorkloadProfile fast = DirtyCurveTest.seen(GB, 200, 742);
    Policy forced =
        new Policy(
            POLICY.downtimeBudget(),
            POLICY.maxRounds(),
            PostCopy.ALLOWED,
            OnNoConvergence.FORCE,
            Optional.empty(),
            0);

    assertThat(downtime(predict(fast, Strategy.PRE_COPY)))
        .isEqualTo(downtime(predict(fast, Strategy.HYBRID)))
        .isLessThan(0.3);
    assertThat(downtime(predict(fast, Strategy.PRE_COPY, forced))).isGreaterThan(3.0);
  }

  @Test
  void theBandwidthThatIsAskedForHolds() {
    Policy slow =
        new Policy(
            POLICY.downtimeBudget(),
            POLICY.maxRounds(),
            POLICY.postCopy(),
            POLICY.onNoConvergence(),
            Optional.empty(),
            50_000_000);

    assertThat(downtime(predict(DirtyCurveTest.seen(GB, 0, 0), Strategy.STOP_AND_COPY, slow)))
        .isBetween(20.0, 21.0);
  }

  @Test
  void sharedMemoryIsSentInTheFreezeUnlessThereAreRounds() {
    WorkloadProfile shared =
        new WorkloadProfile(
            new MemorySizes(1, 0, 0, 200_000_000, 0), 1, 0, 1, List.of(), "userfaultfd");
    for (Strategy strategy : Predictor.STRATEGIES) {
      // It is written into images, and read from them, either way.
      assertThat(downtime(predict(shared, strategy)))
          .as("%s", strategy)
          .isBetween(strategy.hasRounds() ? 0.4 : 2.0, strategy.hasRounds() ? 1.0 : 3.0);
    }
  }

  @Test
  void pagesOfZerosAreNotSent() {
    WorkloadProfile zeros =
        new WorkloadProfile(
            new MemorySizes(GB, 0, 0, 0, 0), 4096, 3072, 1, List.of(), "userfaultfd");

    assertThat(downtime(predict(zeros, Strategy.STOP_AND_COPY))).isBetween(2.5, 3.2);
  }

  @Test
  void aTrackerThatReadsAllMemoryLengthensTheFreezeOfRounds() {
    WorkloadProfile quiet = DirtyCurveTest.seen(4 * GB, 0, 0);
    WorkloadProfile hashed =
        new WorkloadProfile(
            quiet.sizes(), quiet.sampledPages(), 0, 1, quiet.written(), "content-hash");

    assertThat(downtime(predict(hashed, Strategy.HYBRID)))
        .isGreaterThan(1.5 + downtime(predict(quiet, Strategy.HYBRID)));
    assertThat(downtime(predict(hashed, Strategy.POST_COPY)))
        .isEqualTo(downtime(predict(quiet, Strategy.POST_COPY)));
  }

  @Test
  void isNeverBetterInTheBadCase() {
    for (int written : List.of(0, 10, 100, 1000, 4096)) {
      for (Strategy strategy : Predictor.STRATEGIES) {
        DurationEstimate downtime =
            predict(DirtyCurveTest.seen(GB, written / 4, written), strategy)
                .expectation()
                .downtime();
        assertThat(downtime.low()).isLessThanOrEqualTo(downtime.expected());
        assertThat(downtime.high()).isGreaterThan(downtime.expected());
      }
    }
  }

  @Test
  void goesByWhatWasMeasuredBetweenTheseNodes() {
    PastMigration past =
        new PastMigration(
            Duration.ofMillis(40), Duration.ofMillis(30), Optional.of(Duration.ofMillis(10)), 0);
    PastMigration slower =
        new PastMigration(Duration.ofMillis(90), Duration.ofMillis(35), Optional.empty(), 0);
    SwitchoverTimes times = SwitchoverTimes.of(List.of(slower, past, past), 100_000_000);

    assertThat(times.measured()).isEqualTo(3);
    assertThat(times.freeze().expected()).isEqualTo(Duration.ofMillis(40));
    assertThat(times.freeze().high()).isGreaterThan(Duration.ofMillis(90));
    assertThat(times.resume().expected()).isEqualTo(Duration.ofMillis(10));
    Prediction prediction =
        new Predictor(DirtyCurveTest.seen(GB, 0, 0), LINK, times)
            .predict(Strategy.POST_COPY, POLICY);
    assertThat(downtime(prediction)).isBetween(0.08, 0.09);
  }
}
