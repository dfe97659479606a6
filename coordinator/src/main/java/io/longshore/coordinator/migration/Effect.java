package io.longshore.coordinator.migration;

/**
 * What is done while a migration is in a phase. Each effect is a call to an agent, or a few, and
 * idempotent: it is run again after a restart.
 */
enum Effect {
  /** Calls nobody: the stored migration starts. */
  START,
  /** Looks at the workload once more, reserves on the target, connects the source to it. */
  PREPARE,
  /** The source sends the running workload's memory, and then what it wrote meanwhile. */
  COPY_ROUNDS,
  /** The target waits for images, restores and holds. Begun before the freeze. */
  RESTORE_TARGET,
  /** The source freezes the workload and sends its images. */
  FREEZE_SOURCE,
  /** The source sends every stale page. */
  PUSH_PAGES,
  /** The target lets the workload run. */
  RESUME_TARGET,
  /** The target installs the last pages. */
  COMPLETE_TARGET,
  /** The source removes its frozen copy. */
  RELEASE_SOURCE,
  /** The target promises never to run the workload. */
  ABORT_TARGET,
  /** The source lets the workload run on. */
  ROLL_BACK_SOURCE
}
