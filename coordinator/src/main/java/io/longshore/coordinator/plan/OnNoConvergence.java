package io.longshore.coordinator.plan;

/** What becomes of a migration whose rounds end without having converged. */
public enum OnNoConvergence {
  /** It goes on as hybrid: the workload resumes first, what is stale comes behind it. */
  POST_COPY,
  /** It is rolled back. */
  ABORT,
  /** It goes on as it was asked for, however long the workload then stands still. */
  FORCE,
  /** It is slowed until its rounds converge; rolled back if they do not even so. */
  THROTTLE
}
