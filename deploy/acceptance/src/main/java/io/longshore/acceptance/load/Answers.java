package io.longshore.acceptance.load;

import org.jspecify.annotations.Nullable;

/** What one connection was answered. One thread writes; others may read once it has ended. */
final class Answers {
  private final long origin;
  private final HistogramPerPhase latencies = new HistogramPerPhase();
  private final HistogramPerPhase gaps = new HistogramPerPhase();
  private final OverTime overTime = new OverTime();
  private long requests;
  private long failed;
  private long wrong;
  private long longestGap;
  private long longestGapEnd;
  private @Nullable String firstError;
  private boolean lost;

  /**
   * @param origin when the client began, of the clock of all other times: System.nanoTime or
   *     another
   */
  Answers(long origin) {
    this.origin = origin;
  }

  /**
   * A request was answered as it should be.
   *
   * @param before when the successful answer before it was
   * @param asked when it was sent
   */
  void answered(Phase phase, long before, long asked, long now) {
    requests++;
    latencies.of(phase).record(now - asked);
    gap(phase, before, now);
    overTime.record(now - origin);
  }

  private void gap(Phase phase, long before, long now) {
    gaps.of(phase).record(now - before);
    if (phase != Phase.WARM_UP && now - before > longestGap) {
      longestGap = now - before;
      longestGapEnd = now - origin;
    }
  }

  /** The answer is not what it must be. */
  void wrong() {
    requests++;
    failed++;
    wrong++;
  }

  /** The answer is an error. */
  void failed(Exception error) {
    requests++;
    failed++;
    remember(error);
  }

  /** A request was never answered: the connection is lost. */
  void lost(Exception error, Phase phase, long before, long now) {
    failed(error);
    lost = true;
    gap(phase, before, now);
  }

  private void remember(Exception error) {
    if (firstError == null) {
      firstError = error.toString();
    }
  }

  /** Times from sending a request until its answer was read, of successful ones. */
  LatencyHistogram latencies(Phase phase) {
    return latencies.of(phase);
  }

  /** Times between two successful answers; the last one may end with the loss of the connection. */
  LatencyHistogram gaps(Phase phase) {
    return gaps.of(phase);
  }

  /** Successful ones. */
  OverTime overTime() {
    return overTime;
  }

  long requests() {
    return requests;
  }

  /** Requests that failed, were never answered or were answered wrongly. */
  long failed() {
    return failed;
  }

  /** Requests that were answered wrongly. */
  long answeredWrongly() {
    return wrong;
  }

  /** Of all but the warm-up, in nanoseconds. */
  long longestGap() {
    return longestGap;
  }

  /** When it ended, since the origin. */
  long longestGapEnd() {
    return longestGapEnd;
  }

  boolean isLost() {
    return lost;
  }

  @Nullable String firstError() {
    return firstError;
  }
}
