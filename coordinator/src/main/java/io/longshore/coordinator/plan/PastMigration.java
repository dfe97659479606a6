package io.longshore.coordinator.plan;

import java.time.Duration;
import java.util.Optional;

/**
 * What a migration between the same nodes took.
 *
 * @param freeze from the start of the freeze until the images were complete
 * @param restore from complete images until held
 * @param resume the rest of the downtime, if no pages were sent in it
 * @param imageBytes bytes of images
 */
public record PastMigration(
    Duration freeze, Duration restore, Optional<Duration> resume, long imageBytes) {}
