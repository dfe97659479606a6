package io.longshore.coordinator.plan;

/** Whether the workload may run on the target while pages of it are still on the source. */
public enum PostCopy {
  /** It may. */
  ALLOWED,
  /** It may not: the loss of the source after the resume must not harm it. */
  FORBIDDEN
}
