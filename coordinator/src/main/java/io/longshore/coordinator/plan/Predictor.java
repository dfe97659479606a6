package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.LinkProfile;
import io.longshore.coordinator.agent.WorkloadProfile;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/**
 * Predicts what each strategy would take: plays it through in a good, an expected and a bad case.
 * Pure.
 */
final class Predictor {
  /** What is played. */
  static final List<Strategy> STRATEGIES =
      List.of(Strategy.STOP_AND_COPY, Strategy.PRE_COPY, Strategy.HYBRID, Strategy.POST_COPY);

  /** Reading, checking and storing pages, next to sending them. */
  private static final double ENGINE_BYTES_PER_SECOND = 2e9;

  /** Of all memory, which a tracker that compares contents reads in each look. */
  private static final double HASHED_BYTES_PER_SECOND = 2e9;

  /** Of page tables that say what was written. */
  private static final double SCANNED_BYTES_PER_SECOND = 300e9;

  private static final double GOOD_RATE = 1.1;
  private static final double BAD_RATE = 0.8;
  private static final double ERRORS = 2;

  private final WorkloadProfile profile;
  private final LinkProfile link;
  private final SwitchoverTimes times;

  Predictor(WorkloadProfile profile, LinkProfile link, SwitchoverTimes times) {
    this.profile = profile;
    this.link = link;
    this.times = times;
  }

  /** What it would take under a policy. */
  Prediction predict(Strategy strategy, Policy policy) {
    Scenario.Outcome good =
        scenario(policy, -ERRORS, GOOD_RATE, DurationEstimate::low).play(strategy, policy);
    Scenario.Outcome expected =
        scenario(policy, 0, 1, DurationEstimate::expected).play(strategy, policy);
    Scenario.Outcome bad =
        scenario(policy, ERRORS, BAD_RATE, DurationEstimate::high).play(strategy, policy);
    return new Prediction(
        strategy,
        new Expectation(
            estimate(good.downtime(), expected.downtime(), bad.downtime()),
            estimate(good.total(), expected.total(), bad.total()),
            (long) expected.bytes()),
        expected.rounds(),
        expected.converged() && bad.converged());
  }

  private Scenario scenario(
      Policy policy, double errors, double rate, Function<DurationEstimate, Duration> which) {
    double asFastAsMayBe =
        rate / (1.0 / Math.max(1, link.bytesPerSecond()) + 1.0 / ENGINE_BYTES_PER_SECOND);
    double bytesPerSecond =
        policy.maxBandwidth() == 0
            ? asFastAsMayBe
            : Math.min(asFastAsMayBe, (double) policy.maxBandwidth());
    boolean hashed = profile.tracker().equals("content-hash");
    return new Scenario(
        profile.sizes(),
        1 - profile.zeroShare(),
        bytesPerSecond,
        seconds(link.roundTrip()),
        DirtyCurve.of(profile, errors),
        profile.sizes().pages() / (hashed ? HASHED_BYTES_PER_SECOND : SCANNED_BYTES_PER_SECOND),
        seconds(which.apply(times.freeze())),
        seconds(which.apply(times.restore())),
        seconds(which.apply(times.resume())));
  }

  /** A case that is better in everything can still take longer: more rounds are made. */
  private static DurationEstimate estimate(double good, double expected, double bad) {
    return new DurationEstimate(
        duration(Math.min(good, expected)), duration(expected), duration(Math.max(bad, expected)));
  }

  private static double seconds(Duration time) {
    return time.toNanos() / 1e9;
  }

  private static Duration duration(double seconds) {
    return Duration.ofNanos((long) (Math.min(seconds, 1e9) * 1e9));
  }
}
