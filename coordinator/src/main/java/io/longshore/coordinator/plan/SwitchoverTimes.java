package io.longshore.coordinator.plan;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What a switchover takes without any page and with hardly any image.
 *
 * @param freeze until the images are complete
 * @param restore from then until the workload is held
 * @param resume all the rest: images under way, decision, resume, addresses
 * @param measured in so many migrations; 0: it is what others took on other machines
 */
record SwitchoverTimes(
    DurationEstimate freeze, DurationEstimate restore, DurationEstimate resume, int measured) {
  /** Of small process trees, on machines from idle to very busy. */
  static final SwitchoverTimes ELSEWHERE =
      new SwitchoverTimes(
          DurationEstimate.ofMillis(50, 100, 250),
          DurationEstimate.ofMillis(20, 60, 200),
          DurationEstimate.ofMillis(5, 50, 300),
          0);

  /** What was measured, as far as there is anything. */
  static SwitchoverTimes of(List<PastMigration> past, long imageBytesPerSecond) {
    if (past.isEmpty()) {
      return ELSEWHERE;
    }
    List<Duration> resumes =
        past.stream().map(PastMigration::resume).flatMap(Optional::stream).toList();
    return new SwitchoverTimes(
        DurationEstimate.of(
            past.stream().map(each -> withoutImages(each, imageBytesPerSecond)).toList()),
        DurationEstimate.of(past.stream().map(PastMigration::restore).toList()),
        resumes.isEmpty() ? ELSEWHERE.resume() : DurationEstimate.of(resumes),
        past.size());
  }

  private static Duration withoutImages(PastMigration past, long bytesPerSecond) {
    double seconds = past.imageBytes() / (double) Math.max(1, bytesPerSecond);
    Duration rest = past.freeze().minus(Duration.ofNanos((long) (seconds * 1e9)));
    // The link was another then.
    Duration least = past.freeze().dividedBy(4);
    return rest.compareTo(least) < 0 ? least : rest;
  }
}
