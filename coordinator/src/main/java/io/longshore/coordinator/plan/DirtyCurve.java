package io.longshore.coordinator.plan;

import io.longshore.coordinator.agent.WorkloadProfile;
import io.longshore.coordinator.agent.WorkloadProfile.Interval;

/**
 * Which share of its pages a workload writes in a time, each page counted once: {@code W (1 -
 * exp(-rate t / W))}. It writes at {@code rate} at first, and has at last written its working set
 * {@code W}. Both follow from the shares that were seen written after two times.
 *
 * @param rate shares of all pages a second, at first
 * @param workingSet share of all pages that it writes again and again, 0 to 1
 */
public record DirtyCurve(double rate, double workingSet) {
  static final DirtyCurve QUIET = new DirtyCurve(0, 0);

  private static final int STEPS = 60;

  /**
   * The curve through what was seen.
   *
   * @param errors moves what was seen by so many of its standard errors
   */
  static DirtyCurve of(WorkloadProfile profile, double errors) {
    if (profile.sampledPages() == 0 || profile.written().isEmpty()) {
      return QUIET;
    }
    Interval last = profile.written().getLast();
    Interval first = profile.written().getFirst();
    double later = share(last, profile.sampledPages(), errors);
    double sooner = Math.min(later, share(first, profile.sampledPages(), errors));
    return through(seconds(first), sooner, seconds(last), later);
  }

  /** The share that is written within a time. */
  public double written(double seconds) {
    return workingSet == 0 ? 0 : workingSet * -Math.expm1(-rate * seconds / workingSet);
  }

  private static DirtyCurve through(double soon, double sooner, double late, double later) {
    if (later <= 0) {
      return QUIET;
    }
    // The greater the working set, the straighter the curve, and the less was written soon.
    double least = later;
    double most = 1;
    for (int i = 0; i < STEPS; i++) {
      double middle = (least + most) / 2;
      if (withWorkingSet(middle, late, later).written(soon) > sooner) {
        least = middle;
      } else {
        most = middle;
      }
    }
    return withWorkingSet((least + most) / 2, late, later);
  }

  private static DirtyCurve withWorkingSet(double workingSet, double seconds, double written) {
    // What has saturated says nothing about the rate but that it is high.
    double left = Math.max(1e-6, 1 - written / workingSet);
    return new DirtyCurve(-Math.log(left) * workingSet / seconds, workingSet);
  }

  private static double share(Interval interval, int sampled, double errors) {
    double share = (double) interval.changedPages() / sampled;
    // Of none among n it is known that there are hardly more than 3 / n.
    double error = Math.max(Math.sqrt(share * (1 - share) / sampled), 0.5 / sampled);
    return Math.clamp(share + errors * error, 0, 1);
  }

  private static double seconds(Interval interval) {
    return Math.max(1e-3, interval.length().toNanos() / 1e9);
  }
}
