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
  ROLL_BACK_SOURCE;

  /** For people: "resuming on the target". */
  String description() {
    return switch (this) {
      case START -> "starting";
      case PREPARE -> "preparing both sides";
      case COPY_ROUNDS -> "sending the memory of the running workload";
      case RESTORE_TARGET -> "restoring on the target";
      case FREEZE_SOURCE -> "freezing on the source";
      case PUSH_PAGES -> "sending the pages";
      case RESUME_TARGET -> "resuming on the target";
      case RELEASE_SOURCE -> "releasing the source";
      case COMPLETE_TARGET -> "completing the target";
      case ABORT_TARGET -> "aborting the target";
      case ROLL_BACK_SOURCE -> "rolling back the source";
    };
  }
}
